import { mkdir } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { HostProbe } from '../schemas/host.js';
import { VERSION } from '../version.js';
import type { HostContext } from './context.js';
import { readMachineId } from './processes/identity.js';
import { availableRamBytes, freeDiskBytes } from './resources.js';

/** What this host is and has, now. */
export async function probeHost({ name, address, scratch }: HostContext): Promise<HostProbe> {
  await mkdir(scratch, { recursive: true });
  return {
    v: 1,
    name,
    machineId: readMachineId(),
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
