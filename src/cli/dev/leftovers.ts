import { scratchMarker } from '../../host/keeper/environment.js';
import { scratchKey } from '../../host/keeper/names.js';
import { hasEnvironmentEntry, listProcesses } from '../../host/processes/proc.js';
import type { ProcessInfo } from '../../host/processes/proc.js';
import type { DevLayout } from './layout.js';

/** Environment variable by which the servers and workers of one home folder are recognised, whoever started them. */
const DEV_KEY_VARIABLE = 'TEMPER_DEV_KEY';

/** The variable that every process of this dev carries, with its value. */
export function devMarker({ home }: DevLayout): Readonly<Record<string, string>> {
  return { [DEV_KEY_VARIABLE]: scratchKey(home) };
}

/**
 * Servers and workers of this home folder that run now. Keepers and their commands inherit the marker, but carry the
 * one of their scratch folder besides: those are training, which outlives a lost dev on purpose.
 */
export function findLeftovers(layout: DevLayout): readonly ProcessInfo[] {
  const ours = `${DEV_KEY_VARIABLE}=${scratchKey(layout.home)}`;
  const kept = layout.hosts.map(({ scratch }) => scratchMarker(scratch));
  return listProcesses().filter(
    ({ pid, isAlive }) =>
      isAlive &&
      pid !== process.pid &&
      hasEnvironmentEntry(pid, ours) &&
      !kept.some((entry) => hasEnvironmentEntry(pid, entry)),
  );
}
