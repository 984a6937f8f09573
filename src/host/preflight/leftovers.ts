import { setTimeout as sleep } from 'node:timers/promises';
import type { LeftoverLook } from '../../domain/preflight/look.js';
import { listKeepers } from '../keeper/client.js';
import type { KeeperHandle } from '../keeper/handle.js';
import { KEEPER_ID_VARIABLE, SCRATCH_KEY_VARIABLE, scratchKey } from '../keeper/names.js';
import { listProcesses, readProcess } from '../processes/proc.js';
import { sendSignal } from '../processes/sweep.js';
import { entryOf, environmentOf } from './process-environment.js';

/** What of Temper's commands is on this host. */
export interface Trainings {
  /** Trainings whose keeper has not ended. */
  readonly trainings: readonly { readonly keeper: string; readonly state: string }[];
  /** Processes of commands whose keeper is gone or has ended. */
  readonly leftovers: readonly (LeftoverLook & { readonly startTicks: number })[];
  /** Pids that outlived SIGKILL, as far as they still exist. */
  readonly unkillable: readonly number[];
}

/** A keeper that has just written its exit may have processes for some milliseconds more. */
const SETTLE_MS = 150;

/** Looks for trainings and leftovers of this scratch folder. What is left for a moment only is not told. */
export async function lookAtTrainings(scratch: string): Promise<Trainings> {
  const first = await lookOnce(scratch);
  if (first.leftovers.length === 0) return first;
  await sleep(SETTLE_MS);
  const second = await lookOnce(scratch);
  const before = new Set(first.leftovers.map(keyOf));
  return { ...second, leftovers: second.leftovers.filter((one) => before.has(keyOf(one))) };
}

/** Kills processes that have no keeper to end them, and waits until they are gone or `limitMs` is over. */
export async function endLeftovers(scratch: string, limitMs = 10_000): Promise<void> {
  const { leftovers } = await lookAtTrainings(scratch);
  for (const one of leftovers) sendSignal(one, 'SIGKILL');
  const endsAt = performance.now() + limitMs;
  while (performance.now() < endsAt && leftovers.some(({ pid, startTicks }) => isAlive(pid, startTicks))) {
    await sleep(20);
  }
}

async function lookOnce(scratch: string): Promise<Trainings> {
  const keepers = listKeepers(scratch);
  // Few of hundreds have not ended, and only those are asked over their sockets.
  const states = new Map(
    await Promise.all(keepers.map(async (keeper) => [keeper.id, { keeper, status: await keeper.status() }] as const)),
  );
  const trainings: { keeper: string; state: string }[] = [];
  const unkillable: number[] = [];
  const alive = new Set<string>();
  for (const { keeper, status } of states.values()) {
    if (status.state === 'exited') unkillable.push(...status.exit.unkillable);
    else if (status.state !== 'absent') {
      if (status.state !== 'lost') alive.add(keeper.id);
      if (isTraining(keeper)) trainings.push({ keeper: keeper.id, state: status.state });
    }
  }
  const stuck = unkillable.filter((pid) => readProcess(pid)?.isAlive === true);
  return { trainings, leftovers: leftoversOf(scratch, alive, new Set(stuck)), unkillable: stuck };
}

function leftoversOf(scratch: string, alive: ReadonlySet<string>, stuck: ReadonlySet<number>): Trainings['leftovers'] {
  const key = scratchKey(scratch);
  return keptProcesses().filter((one) => one.scratch === key && !alive.has(one.keeper) && !stuck.has(one.pid));
}

interface KeptProcess extends LeftoverLook {
  readonly startTicks: number;
  /** Key of the scratch folder that its environment names. */
  readonly scratch: string;
}

/** A process may serve many simulated hosts, which all look at one `/proc`; shorter than the time to settle. */
const SNAPSHOT_MS = 50;
const snapshot: { at: number; processes: readonly KeptProcess[] } = { at: -SNAPSHOT_MS, processes: [] };

/** Processes of this machine whose environment names a keeper. Keepers themselves do not carry their own name. */
function keptProcesses(): readonly KeptProcess[] {
  if (performance.now() - snapshot.at < SNAPSHOT_MS) return snapshot.processes;
  snapshot.processes = listProcesses().flatMap(({ pid, startTicks, isAlive: lives, state }) => {
    // The environment of a process in state D may hang who reads it.
    if (!lives || state === 'D' || pid === process.pid) return [];
    const environment = environmentOf(pid);
    const keeper = entryOf(environment, KEEPER_ID_VARIABLE);
    const scratch = entryOf(environment, SCRATCH_KEY_VARIABLE);
    return keeper === null || scratch === null ? [] : [{ pid, startTicks, keeper, scratch }];
  });
  snapshot.at = performance.now();
  return snapshot.processes;
}

function isTraining(keeper: KeeperHandle): boolean {
  try {
    return keeper.request()?.labels.stage === 'train';
  } catch {
    // Of a newer Temper: it may be one.
    return true;
  }
}

function isAlive(pid: number, startTicks: number): boolean {
  const found = readProcess(pid);
  return found !== null && found.isAlive && found.startTicks === startTicks;
}

function keyOf({ pid, startTicks }: { readonly pid: number; readonly startTicks: number }): string {
  return `${pid}:${startTicks}`;
}
