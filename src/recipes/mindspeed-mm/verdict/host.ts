import type { CauseRule } from '../../../domain/causes/causes.js';
import { row } from './row.js';

/** Texts of the operating system under a training, beyond what every recipe knows. */
export const HOST_RULES: readonly CauseRule[] = [
  row(
    'host-out-of-memory',
    /Memory cgroup out of memory|Out of memory: Kill/,
    'out-of-memory',
    'restart',
    '{host} ran out of memory; fewer data workers need less: {text}',
  ),
  row(
    'host-hardware',
    /Kernel panic - not syncing|Watchdog detected hard LOCKUP|EXT4-fs error|PCIe Bus Error: severity=Uncorrected/,
    'host-lost',
    'replace-host',
    'the hardware or a disk of {host} failed: {text}',
  ),
  row(
    'host-disk-failed',
    /I\/O error, dev|Buffer I\/O error/,
    'host-lost',
    'replace-host',
    'a disk of {host} failed: {text}',
  ),
  row(
    'host-task-stuck',
    /blocked for more than \d+ seconds/,
    'host-lost',
    'replace-host',
    'storage or driver of {host} is stuck: {text}',
  ),
  row(
    'host-connections-full',
    /nf_conntrack: table full/,
    'environment',
    'stop',
    '{host} drops connections, because its table is full; raise net.netfilter.nf_conntrack_max: {text}',
  ),
];
