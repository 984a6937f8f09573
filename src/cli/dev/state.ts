import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { readBootId } from '../../host/processes/identity.js';
import { readProcess } from '../../host/processes/proc.js';
import type { DevProcess, DevState } from '../../schemas/dev.js';
import { DEV_FLEET, DEV_NAMESPACE } from './layout.js';
import type { TemporalServer } from './server.js';
import type { Service } from './service.js';

/** What `dev.json` says about this dev now. */
export function devState(server: Pick<TemporalServer, 'address' | 'uiUrl'>, services: readonly Service[]): DevState {
  return {
    v: 1,
    address: server.address,
    namespace: DEV_NAMESPACE,
    uiUrl: server.uiUrl,
    fleet: DEV_FLEET,
    bootId: readBootId(),
    processes: [self(), ...services.flatMap(toProcess)],
  };
}

/** Writes the state as one act; readers never see half of it. Synchronous: each pid is on disk before work goes on. */
export function writeDevState(file: string, state: DevState): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic.sync(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** Forgets the state, so that nobody looks for a dev that has ended. */
export function removeDevState(file: string): void {
  rmSync(file, { force: true });
}

function self(): DevProcess {
  return { role: 'dev', pid: process.pid, startTicks: readProcess(process.pid)?.startTicks ?? 0 };
}

function toProcess(service: Service): readonly DevProcess[] {
  const current = service.current();
  return current === null ? [] : [{ role: service.role, ...current }];
}
