import { compareFences } from '../../domain/gang/fence.js';
import type { KeeperRequest } from '../../schemas/keeper.js';
import { listKeepers } from '../keeper/client.js';
import { endKeeper } from '../keeper/end.js';
import { KeeperError } from '../keeper/errors.js';
import { FENCED } from '../keeper/fence-duty.js';
import { readRecordFile } from '../keeper/files.js';
import type { KeeperHandle } from '../keeper/handle.js';
import { sweepRemains } from '../keeper/lost.js';
import type { SweepOptions } from '../processes/sweep.js';
import { fencedOff, type HostClaim } from './host-fence.js';

/** A training that was ended, and those of its processes that cannot be. */
export interface EndedTraining {
  readonly id: string;
  readonly unkillable: readonly number[];
}

/** Settings of `endTrainings`. */
export interface EndTrainingsOptions {
  /** Time between TERM and KILL, ms. */
  readonly graceMs: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long processes that survived KILL once are given again, ms. */
  readonly secondDeadlineMs?: number;
  /** Replaces the signal to such processes, in tests. */
  readonly send?: SweepOptions['send'];
}

/** They had a minute before; what is still there hangs, unless its device or file system came back. */
const SECOND_DEADLINE_MS = 5_000;

/**
 * Ends every training on this host but that of `claim`, of whichever run, and waits for the proof; answers those that
 * ran or have processes left. To be called after the host's fence was raised to `claim`, so that none can begin.
 * Throws `FencedOff` when a newer one runs, which is possible where the host's fence was removed by hand.
 */
export async function endTrainings(
  scratch: string,
  claim: HostClaim,
  options: EndTrainingsOptions,
): Promise<readonly EndedTraining[]> {
  const others = listKeepers(scratch).filter((keeper) => isOtherTraining(keeper, claim));
  for (const keeper of others) {
    const fence = requestOf(keeper)?.fence;
    if (fence === undefined || compareFences(fence, claim) <= 0) continue;
    const { state } = await keeper.status();
    const run = requestOf(keeper)?.labels.run ?? keeper.id;
    if (state === 'running' || state === 'stopping') throw fencedOff(keeper.paths.dir, claim, { ...fence, run });
  }
  const ended = await Promise.all(others.map((keeper) => endTraining(keeper, options)));
  return ended.filter((one) => one !== null);
}

async function endTraining(keeper: KeeperHandle, options: EndTrainingsOptions): Promise<EndedTraining | null> {
  const status = await keeper.status();
  if (status.state === 'absent') return null;
  if (status.state === 'exited') {
    if (status.exit.unkillable.length === 0) return null;
    return { id: keeper.id, unkillable: await endSurvivors(keeper, options) };
  }
  const exit = await endKeeper(keeper, { reason: FENCED, graceMs: options.graceMs }, options.signal);
  return exit === null ? null : { id: keeper.id, unkillable: exit.unkillable };
}

/** Processes that survived KILL are remembered by their keeper's files: they may hold devices and ports for days. */
async function endSurvivors(
  { paths }: KeeperHandle,
  { secondDeadlineMs = SECOND_DEADLINE_MS, send }: EndTrainingsOptions,
): Promise<readonly number[]> {
  const record = readRecordFile(paths);
  if (record === null) return [];
  const { unkillable } = await sweepRemains(paths, record, {
    graceEndsAt: () => 0,
    killDeadlineMs: secondDeadlineMs,
    ...(send === undefined ? {} : { send }),
  });
  return unkillable;
}

/** One whose request cannot be read may be a training of a newer Temper, so it counts as one. */
function isOtherTraining(keeper: KeeperHandle, claim: HostClaim): boolean {
  let request: KeeperRequest | null;
  try {
    request = keeper.request();
  } catch (error) {
    if (error instanceof KeeperError) return true;
    throw error;
  }
  if (request === null) return false;
  const { fence, labels } = request;
  // Keepers of before the fence tell their stage only.
  if (fence === undefined) return labels.stage === 'train';
  return labels.run !== claim.run || compareFences(fence, claim) !== 0;
}

function requestOf(keeper: KeeperHandle): KeeperRequest | null {
  try {
    return keeper.request();
  } catch {
    // Told by `isOtherTraining` already.
    return null;
  }
}
