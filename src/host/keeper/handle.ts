import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../processes/identity.js';
import { sendSignal } from '../processes/sweep.js';
import type { KeeperExit, KeeperRequest } from '../../schemas/keeper.js';
import { KeeperError } from './errors.js';
import { readRequestFile } from './files.js';
import { settleLost } from './lost.js';
import { keeperPaths } from './paths.js';
import type { KeeperPaths } from './paths.js';
import { isOver, readStatus } from './status.js';
import type { KeeperStatus } from './status.js';
import { ask } from './talk.js';
import { waitForExit } from './wait.js';
import type { WaitOptions } from './wait.js';

/** How to end a command. */
export interface StopOptions {
  /** Why, in a word or a sentence, for `exit.json`. */
  readonly reason: string;
  /** Time between TERM and KILL, ms; that of the request when left out. */
  readonly graceMs?: number;
  /** How long the keeper may fail to answer before it counts as hung, ms; 10 s when left out. */
  readonly patienceMs?: number;
}

/** One kept command, seen from a worker. Holds no resource: drop it at will, make it again with `findKeeper`. */
export interface KeeperHandle {
  readonly id: string;
  readonly paths: KeeperPaths;
  /** The command as it was asked for; null when the folder holds no request (yet). */
  request(): KeeperRequest | null;
  /** Counts as contact for the orphan timeout. */
  status(): Promise<KeeperStatus>;
  /**
   * Asks for the end and returns when the keeper has taken note, not when the command ended: see `waitForExit`.
   * Without effect on a command that ended. A keeper that does not answer is itself killed, and its command swept.
   */
  stop(options: StopOptions): Promise<void>;
  /** Waits for the proven end. An abort detaches and leaves the command running. */
  waitForExit(options?: WaitOptions): Promise<KeeperExit>;
}

/** The handle of a keeper folder, whatever is in it. */
export function keeperHandle(dir: string, id: string): KeeperHandle {
  const paths = keeperPaths(dir);
  return {
    id,
    paths,
    request: () => readRequestFile(paths),
    status: () => readStatus(paths),
    stop: (options) => stopKeeper(paths, options),
    waitForExit: (options = {}) => waitForExit(paths, options),
  };
}

/** A keeper answers in milliseconds; only a host that swaps heavily takes seconds. */
const UNRESPONSIVE_MS = 10_000;
const RETRY_MS = 100;

async function stopKeeper(
  paths: KeeperPaths,
  { reason, graceMs, patienceMs = UNRESPONSIVE_MS }: StopOptions,
): Promise<void> {
  const message = { v: 1 as const, op: 'stop' as const, reason, ...(graceMs === undefined ? {} : { graceMs }) };
  const patienceEndsAt = performance.now() + patienceMs;
  for (;;) {
    const status = await readStatus(paths);
    if (isOver(status)) return;
    if (status.state === 'lost') return settleLost(paths, graceMs);
    if (status.state === 'unresponsive') {
      if (performance.now() >= patienceEndsAt) return endHungKeeper(paths, status, graceMs);
    } else {
      const reply = await ask(status.record.socketPath, message);
      if (reply?.ok === true) return;
      if (reply?.ok === false) throw unstoppable(paths, `It refused: ${reply.error}.`);
    }
    await sleep(RETRY_MS);
  }
}

async function endHungKeeper(
  paths: KeeperPaths,
  { record }: Extract<KeeperStatus, { state: 'unresponsive' }>,
  graceMs: number | undefined,
): Promise<void> {
  if (record === null) throw unstoppable(paths, 'It holds its lock, but has not said who it is.');
  // Without a living keeper the lock is held by a worker that is sweeping already.
  if (!isRunning(record.keeper)) return;
  sendSignal(record.keeper, 'SIGKILL');
  for (const patienceEndsAt = performance.now() + UNRESPONSIVE_MS; isRunning(record.keeper);) {
    if (performance.now() >= patienceEndsAt)
      throw unstoppable(paths, `Its process ${record.keeper.pid} survives KILL.`);
    await sleep(RETRY_MS);
  }
  await settleLost(paths, graceMs);
}

function unstoppable(paths: KeeperPaths, why: string): KeeperError {
  return new KeeperError({
    code: 'keeper-unstoppable',
    what: 'keeper cannot be stopped',
    where: paths.dir,
    why,
    fix: 'look at keeper.log there; end the processes whose environment holds the id, then try again',
    isRetryable: true,
  });
}
