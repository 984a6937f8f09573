import { sweep } from '../processes/sweep.js';
import { createTracker } from '../processes/tracker.js';
import { listKeepers } from './client.js';
import { endKeeper } from './end.js';
import { scratchMarker } from './environment.js';
import { awaitLock } from './lock.js';
import type { KeeperHandle, StopOptions } from './handle.js';
import { isOver } from './status.js';

/** What `stopAll` found. */
export interface StopAllResult {
  /** Ids of keepers that were not finished. */
  readonly stopped: readonly string[];
  /** Processes of the scratch folder that no keeper accounted for, now ended. */
  readonly strays: number;
  /** Pids that survived KILL. */
  readonly unkillable: readonly number[];
}

/** Patience for strays when no grace is asked for. */
const STRAY_GRACE_MS = 2_000;
/** Patience for a keeper that has told its end; with a full disk it would stay to write it. */
const LAST_STEPS_MS = 2_000;
/** How long strays that survive KILL are waited for; shorter than a keeper's, because a person waits too. */
const STRAY_KILL_DEADLINE_MS = 10_000;

/**
 * Stops every keeper of a scratch folder and waits for the proven end of its command, then sweeps processes that
 * carry the folder's marker without a keeper. Works on a folder that is gone already. The caller is never a target.
 */
export async function stopAll(scratch: string, { reason, graceMs }: StopOptions): Promise<StopAllResult> {
  const stop: StopOptions = { reason, ...(graceMs === undefined ? {} : { graceMs }) };
  const outcomes = await Promise.all(listKeepers(scratch).map((keeper) => stopOne(keeper, stop)));
  const ended = outcomes.filter((one) => one !== null);
  const known = ended.flatMap((one) => one.unkillable);
  const now = performance.now();
  const tracker = createTracker({ marker: scratchMarker(scratch), roots: [] });
  const swept = await sweep(tracker, {
    graceEndsAt: () => now + (graceMs ?? STRAY_GRACE_MS),
    killDeadlineMs: STRAY_KILL_DEADLINE_MS,
  });
  return {
    stopped: ended.map((one) => one.id),
    strays: swept.signalled,
    unkillable: [...new Set([...known, ...swept.unkillable])],
  };
}

async function stopOne(
  keeper: KeeperHandle,
  options: StopOptions,
): Promise<{ readonly id: string; readonly unkillable: readonly number[] } | null> {
  if (isOver(await keeper.status())) return null;
  const exit = await endKeeper(keeper, options);
  if (exit === null) return null;
  // Otherwise the keeper, which ends a moment after its exit is told, would be counted as a stray.
  await (await awaitLock(keeper.paths.dir, LAST_STEPS_MS))?.release();
  return { id: keeper.id, unkillable: exit.unkillable };
}
