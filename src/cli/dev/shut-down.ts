import type { TemperClient } from '../../client/connect.js';
import { listRuns, pauseRun } from '../../client/runs.js';
import { LOCAL_TIMING } from '../../domain/timing.js';
import { stopAll } from '../../host/keeper/stop-all.js';
import type { RunStatus } from '../../schemas/run.js';
import { endProcesses } from './end-processes.js';
import type { DevLayout } from './layout.js';
import { findLeftovers } from './leftovers.js';
import type { Service } from './service.js';

/** What of `temper dev` is to be ended. */
export interface ShutDownOptions {
  readonly layout: DevLayout;
  /** null when the server never answered. */
  readonly client: TemperClient | null;
  readonly workers: readonly Service[];
  readonly server: Service | null;
  /** The run that the same command, given again, continues; others wait for a person. */
  readonly continued: string | null;
  /** Aborted when the person asks a second time. */
  readonly hurry: AbortSignal;
  readonly tell: (text: string) => void;
}

/** Finding the open runs; a live server answers in milliseconds. */
const LIST_LIMIT_MS = 5_000;
/** Stopping all commands of a run through its workers: their grace, and as much again for the way there. */
const PAUSE_LIMIT_MS = 2 * LOCAL_TIMING.stopGraceMs;
/** A worker hands its work over and ends, a server closes its database; both need well under a second. */
const WORKER_GRACE_MS = 5_000;
const SERVER_GRACE_MS = 10_000;
const REASON = 'temper dev was stopped';

/** Whether a run waits for no other reason than that a dev was stopped, in order or at once. */
export function isOnlyStopped({ state, problem }: Pick<RunStatus, 'state' | 'problem'>): boolean {
  const isStop = problem?.code === 'Paused' || problem?.code === 'CommandStopped';
  return state === 'blocked' && isStop && problem.what.includes(REASON);
}

/**
 * Ends everything that dev started, ranks included, and proves it. Open runs are paused first, so that they can be
 * continued later; workers end before the last keepers are stopped, because they could start new ones.
 * @returns pids that survived KILL
 */
export async function shutDown({
  layout,
  client,
  workers,
  server,
  continued,
  hurry,
  tell,
}: ShutDownOptions): Promise<readonly number[]> {
  if (client !== null && !hurry.aborted) await pauseOpenRuns(client, continued, hurry, tell);
  const grace = graceFrom(hurry, WORKER_GRACE_MS);
  const stuck = (await Promise.all(workers.map((worker) => worker.stop(grace)))).flat();
  const ranks = await Promise.all(layout.hosts.map(({ scratch }) => stopKeepers(scratch, hurry)));
  await client?.close();
  const stuckServer = (await server?.stop(graceFrom(hurry, SERVER_GRACE_MS))) ?? [];
  const strays = await endProcesses(findLeftovers(layout), graceFrom(hurry, 0));
  return [...new Set([...stuck, ...ranks.flat(), ...stuckServer, ...strays])];
}

async function pauseOpenRuns(
  client: TemperClient,
  continued: string | null,
  hurry: AbortSignal,
  tell: (text: string) => void,
): Promise<void> {
  const runs = await within(listRuns(client), LIST_LIMIT_MS, hurry);
  const open = (runs ?? []).filter(({ state }) => state === 'running').map(({ run }) => run);
  if (open.length === 0) return;
  tell(stopping(open, continued));
  const pausing = open.map((run) =>
    within(
      pauseRun(client, run, REASON).then(() => run),
      PAUSE_LIMIT_MS,
      hurry,
    ),
  );
  const paused = await Promise.all(pausing);
  const left = open.filter((run) => !paused.includes(run));
  if (left.length > 0) tell(notWaitedFor(left));
}

/** What is stopped, and how it goes on later. */
export function stopping(runs: readonly string[], continued: string | null): string {
  const others = runs.filter((run) => run !== continued);
  const names = (some: readonly string[]): string => (runs.length === 1 ? 'it' : some.join(', '));
  const later = [
    ...(others.length === runs.length ? [] : [`the next start continues ${names([continued ?? ''])}`]),
    ...(others.length === 0
      ? []
      : [`after the next start ${others.map((run) => `temper resume ${run}`).join(', ')} continues ${names(others)}`]),
  ];
  return `stopping ${runs.join(', ')}; ${later.join('; ')} (Ctrl-C again: at once)`;
}

/** What comes of runs that did not stop in time, or were given none. */
function notWaitedFor(runs: readonly string[]): string {
  return `not waited for: ${runs.join(', ')}; commands and ranks are ended now, and are done again from the newest checkpoint`;
}

/** Stops what no worker stopped: commands of runs that could not be paused. */
async function stopKeepers(scratch: string, hurry: AbortSignal): Promise<readonly number[]> {
  const graceMs = hurry.aborted ? 0 : LOCAL_TIMING.stopGraceMs;
  // A later request with a shorter grace overrides the one under way.
  const quicker = (): void => void stopAll(scratch, { reason: REASON, graceMs: 0 });
  hurry.addEventListener('abort', quicker, { once: true });
  try {
    return (await stopAll(scratch, { reason: REASON, graceMs })).unkillable;
  } finally {
    hurry.removeEventListener('abort', quicker);
  }
}

/** End of a grace on the monotonic clock; a second request makes it now. */
function graceFrom(hurry: AbortSignal, graceMs: number): () => number {
  const end = performance.now() + graceMs;
  return () => (hurry.aborted ? 0 : end);
}

/** The answer, or null after the limit, a failure or a second request: the next steps do the same job by force. */
async function within<T>(work: Promise<T>, limitMs: number, hurry: AbortSignal): Promise<T | null> {
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), hurry]);
  const given = new Promise<null>((resolve) => {
    if (limit.aborted) resolve(null);
    else limit.addEventListener('abort', () => resolve(null), { once: true });
  });
  return Promise.race([work.catch(() => null), given]);
}
