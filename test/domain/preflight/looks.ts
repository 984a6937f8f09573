import type { HostLook } from '../../../src/domain/preflight/look.js';
import type { HostFacts } from '../../../src/schemas/preflight.js';

const GIB = 1024 ** 3;

/** A host on which all is well, changed by `change`. */
export function aLook(change: Partial<HostLook> = {}): HostLook {
  return {
    host: 'h1',
    depth: 'full',
    isLaunch: true,
    trainings: [],
    leftovers: [],
    unkillable: [],
    fence: { standing: 6, own: 7 },
    address: '10.0.0.1',
    isAddressLocal: true,
    masterPorts: [{ port: 6000, state: 'free', holder: null, isEphemeral: false }],
    ports: [{ port: 60_000, state: 'free', holder: null, isEphemeral: false }],
    scratch: { path: '/scratch', freeBytes: 100 * GIB, freeInodes: 1e6 },
    scratchWrite: { bytes: 1e6 },
    memory: { availableBytes: 900 * GIB, totalBytes: 1000 * GIB, neededBytes: 800 * GIB },
    openFiles: 100_000,
    neededOpenFiles: 0,
    tasks: { most: 100_000, by: 'user' },
    neededTasks: 6_000,
    sharedMemory: { totalBytes: 64 * GIB, freeBytes: 64 * GIB },
    neededSharedBytes: 1 * GIB,
    zones: { ranks: '+0800', worker: '+0800' },
    workspacePath: '/w',
    workspace: { state: 'usable', disk: { path: '/w', freeBytes: 900 * GIB, freeInodes: 1e6 } },
    neededBytes: 800 * GIB,
    reserved: { bytes: 800 * GIB },
    bandwidth: { writeBytesPerSecond: 1e9, readBytesPerSecond: 1e9, isReadCached: false },
    ...change,
  };
}

/** What a host says about itself, changed by `change`. */
export function theFacts(host: string, change: Partial<HostFacts> = {}): HostFacts {
  return {
    v: 1,
    host,
    machineId: `machine of ${host}`,
    address: `address of ${host}`,
    user: 1000,
    temper: '0.1.0',
    node: 'v20.20.0',
    environment: { digest: 'd', lock: { torch: '2.7.1', numpy: '2.0.0' } },
    zone: '+0800',
    bandwidth: null,
    measurement: null,
    recipe: {},
    ...change,
  };
}
