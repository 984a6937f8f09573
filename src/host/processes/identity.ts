import { readFileSync } from 'node:fs';
import { readProcess } from './proc.js';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessKey {
  readonly pid: number;
  /** Start time in clock ticks since boot, field 22 of `/proc/<pid>/stat`. */
  readonly startTicks: number;
}

/** A process key that also tells boots of the host apart, for records that outlive a reboot. */
export interface ProcessIdentity extends ProcessKey {
  readonly bootId: string;
}

/** Names the running kernel: differs after every reboot. Throws where there is no Linux procfs. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Names the host; the boot id stands in on images without a machine id, which is enough to tell hosts apart. */
export function readMachineId(): string {
  for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      const id = readFileSync(file, 'utf8').trim();
      // systemd writes the word "uninitialized" into images that have not booted yet.
      if (/^[0-9a-f]{32}$/.test(id)) return id;
    } catch {
      // Absent in many container images: try the next source.
    }
  }
  return readBootId();
}

/** The identity of a process that exists now (a zombie included), or null. */
export function identityOf(pid: number): ProcessIdentity | null {
  const found = readProcess(pid);
  return found === null ? null : { pid, startTicks: found.startTicks, bootId: readBootId() };
}

/** Whether that very process still runs: a reused pid, another boot and a zombie are all "no". */
export function isRunning(identity: ProcessIdentity): boolean {
  const found = readProcess(identity.pid);
  return (
    found !== null && found.isAlive && found.startTicks === identity.startTicks && readBootId() === identity.bootId
  );
}
