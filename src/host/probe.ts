import { availableParallelism, totalmem } from 'node:os';
import { fingerprint } from '../domain/fingerprint.js';
import type { HostProbe } from '../schemas/host.js';
import { VERSION } from '../version.js';
import type { HostContext } from './context.js';
import { makeFolder } from './make-folder.js';
import { readMachineId } from './processes/identity.js';
import { availableRamBytes, freeDiskBytes } from './resources.js';

/** What this host is and has, now. */
export async function probeHost({ name, address, scratch }: HostContext): Promise<HostProbe> {
  await makeFolder(scratch);
  return {
    v: 1,
    name,
    machineId: announcedMachineId(),
    pid: process.pid,
    address,
    cpus: availableParallelism(),
    ramTotalBytes: totalmem(),
    ramAvailableBytes: await availableRamBytes(),
    scratchFreeBytes: await freeDiskBytes(scratch),
    time: new Date().toISOString(),
    version: VERSION,
  };
}

/**
 * Identity of this machine as others see it. The system's own id is meant to stay private (machine-id(5) asks for
 * an application's own hash), and what is announced ends up in histories.
 */
export function announcedMachineId(): string {
  return fingerprint(['temper', readMachineId()]);
}
