import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendSignal } from '../processes/sweep.js';
import { rankLogPath } from '../keeper/paths.js';
import type { KeeperRecord } from '../../schemas/keeper.js';

/** Size of all logs of some ranks, bytes: whether any of them says anything. */
export function logBytes(keeperDir: string, ranks: readonly number[]): number {
  let bytes = 0;
  for (const rank of ranks) {
    for (const stream of ['out', 'err'] as const) {
      bytes += statSync(rankLogPath(keeperDir, rank, stream), { throwIfNoEntry: false })?.size ?? 0;
    }
  }
  return bytes;
}

/** Stacks are written within milliseconds; a rank that is stopped or stuck in a driver never writes any. */
const STACKS_LIMIT_MS = 2_000;
/** Several ranks write one after another: their stacks are whole when nothing came for this long. */
const QUIET_MS = 200;

/** Signals all ranks to write their stacks into their error logs, and waits until they did or do not. */
export async function askForStacks(
  { sessions, child }: KeeperRecord,
  signal: NodeJS.Signals,
  bytes: () => number,
): Promise<void> {
  const before = bytes();
  for (const leader of sessions) if (leader.pid !== child?.pid) sendSignal(leader, signal);
  const until = performance.now() + STACKS_LIMIT_MS;
  for (let last = before; performance.now() < until;) {
    await sleep(QUIET_MS);
    const now = bytes();
    if (now > before && now === last) return;
    last = now;
  }
}
