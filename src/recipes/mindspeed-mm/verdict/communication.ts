import type { CauseRule } from '../../../domain/causes/causes.js';
import { cascade, row } from './row.js';

/**
 * Texts of HCCL and of torch's communication. Nearly all of them say that a peer did not answer: they point to the rank
 * that failed first, and are not it. Sources: pages of hiascend and the fault dictionary of MindCluster.
 */
export const COMMUNICATION_RULES: readonly CauseRule[] = [
  // These two name the first bad rank themselves, so they are told before the timeout that carries them.
  cascade(
    'hccl-heartbeat-lost',
    /Heartbeat Lost Occurred/,
    'rank {rank} on {host} was told by the devices who is gone: {text}',
  ),
  cascade(
    'hccl-stuck',
    /ExceptionType:\s?\[Stuck Occurred\]/,
    'rank {rank} on {host} was told by the devices who stands still: {text}',
  ),
  cascade(
    'hccl-trace-lost',
    /\[HCCL_TRACE\].{0,80}status\[LOST\]/,
    'rank {rank} on {host} lost the sign of life of a peer: {text}',
  ),
  // What is wrong at all ranks alike.
  row(
    'hccl-arguments-differ',
    /\bEI0005\b|arguments for collective communication are inconsistent between ranks|CMD information .{0,80}check fail/,
    'bad-input',
    'stop',
    'the ranks do different things, seen by rank {rank} on {host}: code, data or configuration differ between hosts: {text}',
  ),
  row(
    'hccl-bad-call',
    /\bEI000[34]\b|ranktable or rank is invalid/,
    'bad-input',
    'stop',
    'rank {rank} on {host} made a wrong call: {text}',
  ),
  row(
    'hccl-interface-missing',
    /get host ip fail by socket Ifname|is not found in the nic list/i,
    'environment',
    'stop',
    '{host} has no such network interface: {text}',
  ),
  row(
    'hccl-tls-differs',
    /tlsStatus are inconsistent/,
    'environment',
    'stop',
    'TLS is on for some devices and off for others; make it equal with hccn_tool -tls: {text}',
  ),
  // What a clean start can cure.
  row(
    'hccl-port-taken',
    /bind fail.{0,80}the IP address and port have been bound already|ra socket listen start fail/,
    'port-taken',
    'clean-restart',
    'a port of the devices was taken on {host}: {text}',
  ),
  row(
    'hccl-nic-down',
    /ra hdc message process failed ret\(-67\)/,
    'device-fault',
    'clean-restart',
    'the network port of a device on {host} was down before the start: {text}',
  ),
  row(
    'hccl-peer-in-host-missing',
    /Wait timeout for get P2P status|connected p2p timeout/,
    'leftover',
    'clean-restart',
    'a rank on {host} did not start, often because an older process holds its device: {text}',
  ),
  // The network.
  row(
    'hccl-roce-retransmission',
    /\bEI0013\b|Error ROCE CQE|error cqe status: 0x15|\[Heartbeat\]cqe err status/,
    'link-fault',
    'restart',
    'the network between two devices failed, seen by rank {rank} on {host}: {text}',
  ),
  row(
    'hccl-retry-failed',
    /HCCL OP RETRY FAILED|reason=\[hccl op retry failed\]/,
    'link-fault',
    'restart',
    'a link failed and repeating did not help, seen by rank {rank} on {host}: {text}',
  ),
  // Waiting for others.
  cascade(
    'hccl-notify-timeout',
    /\bEI0002\b|The wait execution of the Notify register times out|notify wait timeout|taskType\[Notify Wait\]/i,
    'rank {rank} on {host} waited in vain for a peer: {text}',
  ),
  cascade(
    'hccl-socket-timeout',
    /\bEI0006\b|Getting socket times out|wait socket establish timeout|LINK_ERROR_INFO/,
    'rank {rank} on {host} could not connect to a peer: {text}',
  ),
  cascade(
    'hccl-root-unreached',
    /\bEI0015\b|topo exchange server get socket timeout|Failed to connect agent\[|connected rankinfo\[LINE/,
    'some ranks never reached the first one; the text lists them: {text}',
  ),
  cascade(
    'torch-store-timeout',
    /Socket Timeout|client socket has timed out after/i,
    'rank {rank} on {host} could not reach the host of rank 0: {text}',
  ),
  cascade(
    'torch-watchdog',
    /Watchdog caught collective operation timeout/,
    'rank {rank} on {host} waited in vain for a collective: {text}',
  ),
];

/** Wrappers, and codes without a row of their own: they stand behind every other rule, because a line can hold both. */
export const WRAPPER_RULES: readonly CauseRule[] = [
  cascade(
    'hccl-wrapper',
    /HCCL function error:|HCCL error in:|ERR02200 DIST call hccl api failed|ERR01100 OPS call acl api failed/,
    'a collective failed at rank {rank} on {host}: {text}',
  ),
  cascade('hccl-unknown-code', /\bE[IJ]\d{4}\b/, 'communication failed at rank {rank} on {host}: {text}'),
  cascade(
    'acl-wrapper',
    /ERR00100 PTA call acl api failed/,
    'a call to the device failed at rank {rank} on {host}: {text}',
  ),
  cascade('memory-wrapper', /ERR00006 memory error/, 'memory was misused at rank {rank} on {host}: {text}'),
  // torch_npu itself takes these for no diagnosis.
  cascade('cann-inner-error', /\bE[1-9A-Z]9999\b/, 'CANN failed inside at rank {rank} on {host}: {text}'),
];
