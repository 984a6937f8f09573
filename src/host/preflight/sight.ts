import { readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { HostSight, SeenProcess } from '../../recipes/preflight.js';
import { KEEPER_ID_VARIABLE } from '../keeper/names.js';
import { interfaceOf } from '../network-interface.js';
import { listProcesses } from '../processes/proc.js';
import { entryOf, environmentOf } from './process-environment.js';

/** What this host sees of itself, for the checks of recipes: who owns a process, which interfaces there are. */
export function lookAround(address: string): HostSight {
  const names = userNames();
  const processes = listProcesses()
    .filter(({ isAlive }) => isAlive)
    .flatMap(({ pid, state }) => {
      const seen = look(pid, state === 'D', names);
      return seen === null ? [] : [[pid, seen] as const];
    });
  return {
    processes: new Map(processes),
    interfaces: Object.keys(networkInterfaces()),
    trainingInterface: interfaceOf(address),
  };
}

function look(pid: number, mayHang: boolean, names: ReadonlyMap<number, string>): SeenProcess | null {
  try {
    const { uid } = statSync(`/proc/${pid}`);
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    const keeper = mayHang ? null : entryOf(environmentOf(pid), KEEPER_ID_VARIABLE);
    return { user: names.get(uid) ?? `uid ${uid}`, name, keeper };
  } catch {
    // It ended just now.
    return null;
  }
}

/** Names of users by id; users of a directory service are told by their number. */
function userNames(): ReadonlyMap<number, string> {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return new Map(
      lines.flatMap((line) => {
        const [name, , uid] = line.split(':');
        return name === undefined || uid === undefined ? [] : [[Number(uid), name] as const];
      }),
    );
  } catch {
    return new Map();
  }
}
