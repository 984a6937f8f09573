import { setTimeout as sleep } from 'node:timers/promises';
import type { TemperClient } from '../../client/connect.js';
import { cancelRun, getRunStatus, listRuns, pauseRun } from '../../client/runs.js';
import { LOCAL_TIMING } from '../../domain/timing.js';
import { stopAll } from '../../host/keeper/stop-all.js';
import type { RunStatus } from '../../schemas/run.js';
import { endProcesses } from './end-processes.js';
import { DEV_FLEET } from './layout.js';
import type { DevLayout } from './layout.js';
import { findLeftovers } from './leftovers.js';
import type { Service } from './service.js';
import { endRetrain, findRetrains, tellRetrains } from './stop-retrains.js';

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
/** The same where other workers than those of dev are to do it, who may not be there. */
const OTHERS_LIMIT_MS = 3_000;
/** How often the server is asked whether a run has ended. */
const POLL_MS = 200;
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
 * continued later, and those of schedules, which nobody would continue, are cancelled; workers end before the last
 * keepers are stopped, because they could start new ones.
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
  if (client !== null && !hurry.aborted) await stopOpenRuns(client, continued, hurry, tell);
  const grace = graceFrom(hurry, WORKER_GRACE_MS);
  const stuck = (await Promise.all(workers.map((worker) => worker.stop(grace)))).flat();
  const ranks = await Promise.all(layout.hosts.map(({ scratch }) => stopKeepers(scratch, hurry)));
  await client?.close();
  const stuckServer = (await server?.stop(graceFrom(hurry, SERVER_GRACE_MS))) ?? [];
  const strays = await endProcesses(findLeftovers(layout), graceFrom(hurry, 0));
  return [...new Set([...stuck, ...ranks.flat(), ...stuckServer, ...strays])];
}

/** Pauses the open runs, and cancels those of schedules, which cannot be paused. */
export async function stopOpenRuns(
  client: TemperClient,
  continued: string | null,
  hurry: AbortSignal,
  tell: (text: string) => void,
): Promise<void> {
  const runs = await within(listRuns(client), LIST_LIMIT_MS, hurry);
  const open = (runs ?? []).filter(({ state }) => state === 'running');
  await stopRetrains(client, open, hurry, tell);
  if (open.length === 0) return;
  tell(stopping(open, continued));
  const stopped = await Promise.all(
    open.map((run) =>
      within(
        stopRun(client, run, hurry).then(() => run),
        isOwn(run) ? PAUSE_LIMIT_MS : OTHERS_LIMIT_MS,
        hurry,
      ),
    ),
  );
  const [left, others] = split(
    open.filter((run) => !stopped.includes(run)),
    isOwn,
  );
  const fleets = [...new Set(others.map(({ fleet }) => fleet))].join(', ');
  if (others.length > 0) tell(`not stopped here: ${names(others)}; only workers of the fleet ${fleets} could`);
  const [cancelled, paused] = split(left, isScheduled);
  const ended = 'commands and ranks are ended now';
  if (paused.length > 0)
    tell(`not waited for: ${names(paused)}; ${ended}, and are done again from the newest checkpoint`);
  if (cancelled.length > 0) tell(`not waited for: ${names(cancelled)}; ${ended}, and the next start ends the run`);
}

/** Ends the retrains that measure: their commands end with dev, which would be a failure and pause the schedule. */
async function stopRetrains(
  client: TemperClient,
  open: readonly OpenRun[],
  hurry: AbortSignal,
  tell: (text: string) => void,
): Promise<void> {
  const finding = findRetrains(
    client,
    open.map(({ run }) => run),
  );
  const found = await within(finding, LIST_LIMIT_MS, hurry);
  if (found === null) return;
  for (const text of tellRetrains(found)) tell(text);
  const end = (workflowId: string): Promise<void> =>
    endRetrain(client, workflowId, { by: 'temper dev', why: REASON, hurry });
  await Promise.all(found.measuring.map(({ workflowId }) => within(end(workflowId), PAUSE_LIMIT_MS, hurry)));
}

type OpenRun = Pick<RunStatus, 'run' | 'schedule'>;

/** Whether workers of this dev do what the run needs. */
function isOwn({ fleet }: Pick<RunStatus, 'fleet'>): boolean {
  return fleet === null || fleet === DEV_FLEET;
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Answers when nothing of the run is at work any more. */
async function stopRun(client: TemperClient, { run, schedule }: OpenRun, hurry: AbortSignal): Promise<void> {
  if (schedule === undefined) return pauseRun(client, run, REASON);
  await cancelRun(client, run, { by: 'temper dev', why: REASON });
  while ((await getRunStatus(client, run)).closedAt === null) await sleep(POLL_MS, undefined, { signal: hurry });
}

/** What is stopped, and how it goes on later. */
export function stopping(runs: readonly OpenRun[], continued: string | null): string {
  const own = runs.filter(({ run }) => run === continued);
  const others = runs.filter((run) => run.run !== continued && !isScheduled(run));
  const scheduled = runs.filter(isScheduled);
  const called = (some: readonly OpenRun[]): string => (runs.length === 1 ? 'it' : names(some));
  const schedules = [...new Set(scheduled.map(({ schedule }) => schedule))];
  const resumes = others.map(({ run }) => `temper resume ${run}`).join(', ');
  const triggers = schedules.map((schedule) => `temper schedule trigger ${schedule}`).join(', ');
  const later = [
    ...(own.length === 0 ? [] : [`the next start continues ${called(own)}`]),
    ...(others.length === 0 ? [] : [`after the next start ${resumes} continues ${called(others)}`]),
    ...(scheduled.length === 0
      ? []
      : [
          `${called(scheduled)} is cancelled, as runs of a schedule cannot be paused: after the next start ${triggers} trains again and reuses what is finished`,
        ]),
  ];
  return `stopping ${names(runs)}; ${later.join('; ')} (Ctrl-C again: at once)`;
}

function isScheduled({ schedule }: OpenRun): boolean {
  return schedule !== undefined;
}

function names(runs: readonly OpenRun[]): string {
  return runs.map(({ run }) => run).join(', ');
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
