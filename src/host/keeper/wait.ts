import { setTimeout as sleep } from 'node:timers/promises';
import type { KeeperExit } from '../../schemas/keeper.js';
import { KeeperError } from './errors.js';
import { settleLost } from './lost.js';
import type { KeeperPaths } from './paths.js';
import { readStatus } from './status.js';
import type { KeeperStatus } from './status.js';
import { watchEnd } from './talk.js';

/** How to wait for the end of a command. */
export interface WaitOptions {
  /** Detaches: the wait rejects with the signal's reason, the command goes on. */
  readonly signal?: AbortSignal;
  /** Time between looks, ms; the end itself is noticed at once. */
  readonly pollMs?: number;
  /** Called with every status while the command has not ended; what it throws ends the wait. */
  readonly onStatus?: (status: KeeperStatus) => void;
}

/** One second: cheap against any command worth keeping, and well inside every heartbeat. */
const DEFAULT_POLL_MS = 1_000;
/** Keeps a keeper that drops connections, for whatever reason, from being asked in a tight loop. */
const MIN_POLL_MS = 5;

/**
 * Polls until the command ended, and is proven to have: the exit that is returned is on disk, or told by a keeper that
 * cannot write it. A lost keeper's command is swept on the way.
 */
export async function waitForExit(
  paths: KeeperPaths,
  { signal, pollMs = DEFAULT_POLL_MS, onStatus }: WaitOptions,
): Promise<KeeperExit> {
  const abort = watchAbort(signal);
  try {
    for (;;) {
      const status = await abort.race(readStatus(paths));
      if (status.state === 'exited') return status.exit;
      if (status.state === 'absent') throw notStarted(paths);
      onStatus?.(status);
      if (status.state === 'lost') await abort.race(settleLost(paths));
      else await abort.race(pause(status, pollMs));
    }
  } finally {
    abort.dispose();
  }
}

/** Sleeps, less when the keeper ends meanwhile. */
async function pause(status: KeeperStatus, pollMs: number): Promise<void> {
  if (status.state !== 'running' && status.state !== 'stopping') return sleep(pollMs);
  const watch = watchEnd(status.record.socketPath);
  const timer = new AbortController();
  await Promise.race([
    sleep(pollMs, undefined, { signal: timer.signal }).catch(() => undefined),
    Promise.all([watch.ended, sleep(MIN_POLL_MS)]),
  ]);
  timer.abort();
  watch.cancel();
}

interface AbortWatch {
  race<T>(work: Promise<T>): Promise<T>;
  dispose(): void;
}

/** One listener for the whole wait: a listener per poll would pile up on a signal that lives for days. */
function watchAbort(signal: AbortSignal | undefined): AbortWatch {
  if (signal === undefined) return { race: (work) => work, dispose: () => undefined };
  let detach: (reason: unknown) => void = () => undefined;
  const onAbort = (): void => detach(signal.reason);
  signal.addEventListener('abort', onAbort);
  return {
    race: (work) =>
      new Promise((resolve, reject) => {
        // Work that was left behind may fail later; its error went to the promise that nobody awaits any more.
        work.then(resolve, reject);
        detach = reject;
        if (signal.aborted) onAbort();
      }),
    dispose: () => signal.removeEventListener('abort', onAbort),
  };
}

function notStarted(paths: KeeperPaths): KeeperError {
  return new KeeperError({
    code: 'keeper-not-started',
    what: 'nothing to wait for: the command was never started',
    where: paths.dir,
    why: 'Its keeper was killed before it could begin, or its folder was removed.',
    fix: 'ask for the command again',
    isRetryable: true,
  });
}
