import type { KeeperExit } from '../../schemas/keeper.js';
import { KeeperError } from './errors.js';
import type { KeeperHandle, StopOptions } from './handle.js';

/** Added to the grace and the kill deadline of a command: for a busy host, and for the last writes of a keeper. */
const SLACK_MS = 15_000;
/** Times of a command whose request cannot be read. */
const DEFAULT_TIMES = { graceMs: 2_000, killDeadlineMs: 60_000 };

/**
 * Stops a command and waits for its proven end; null when it never began. A keeper that is stopped or hangs after it
 * took note is asked again, which kills it; so this never waits without end. Throws `KeeperError`, or the reason of
 * `signal`, which ends the wait and not the stop.
 */
export async function endKeeper(
  keeper: KeeperHandle,
  options: StopOptions,
  signal?: AbortSignal,
): Promise<KeeperExit | null> {
  const times = timesOf(keeper);
  const patienceMs = (options.graceMs ?? times.graceMs) + times.killDeadlineMs + SLACK_MS;
  for (const isLast of [false, true]) {
    await keeper.stop(options);
    // One that was only starting may have ended before it began its command.
    if ((await keeper.status()).state === 'absent') return null;
    const timeout = AbortSignal.timeout(patienceMs);
    try {
      return await keeper.waitForExit({ signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
    } catch (error) {
      if (error !== timeout.reason || signal?.aborted === true) throw error;
      if (isLast) throw unending(keeper, patienceMs);
    }
  }
  return null;
}

function timesOf(keeper: KeeperHandle): { readonly graceMs: number; readonly killDeadlineMs: number } {
  try {
    return keeper.request() ?? DEFAULT_TIMES;
  } catch {
    // A newer format, or a damaged file: its keeper can be stopped all the same.
    return DEFAULT_TIMES;
  }
}

function unending({ paths }: KeeperHandle, patienceMs: number): KeeperError {
  return new KeeperError({
    code: 'keeper-unstoppable',
    what: 'keeper cannot be stopped',
    where: paths.dir,
    why: `It was asked twice, and its command had not ended ${patienceMs} ms later.`,
    fix: 'look at keeper.log there; end the processes whose environment holds the id, then try again',
    isRetryable: true,
  });
}
