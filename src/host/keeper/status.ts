import { isRunning } from '../processes/identity.js';
import type { KeeperExit, KeeperRecord, KeeperStop } from '../../schemas/keeper.js';
import { readExitFile, readRecordFile } from './files.js';
import { isLocked } from './lock.js';
import type { KeeperPaths } from './paths.js';
import { ask } from './talk.js';

/** Where a kept command stands. */
export type KeeperStatus =
  /** Nothing was ever started under this id. */
  | { readonly state: 'absent' }
  /** Some process holds the lock but does not answer: a keeper that starts, is stopped or hangs, or a clean-up. */
  | { readonly state: 'unresponsive'; readonly record: KeeperRecord | null }
  /** The keeper was killed without an exit on disk; what is left of its command still has to be swept. */
  | { readonly state: 'lost'; readonly record: KeeperRecord }
  | {
      readonly state: 'running' | 'stopping';
      readonly record: KeeperRecord;
      readonly stop: KeeperStop | null;
    }
  | { readonly state: 'exited'; readonly exit: KeeperExit };

/** Whether no command of the keeper runs, or ever will under this id. */
export function isOver(
  status: KeeperStatus,
): status is Extract<KeeperStatus, { readonly state: 'absent' } | { readonly state: 'exited' }> {
  return status.state === 'absent' || status.state === 'exited';
}

/**
 * Finds out how a keeper is, changing nothing but its time of last contact. Throws `KeeperError` when a file of it
 * cannot be read.
 */
export async function readStatus(paths: KeeperPaths): Promise<KeeperStatus> {
  const record = readRecordFile(paths);
  const exit = readExitFile(paths);
  if (exit !== null) return { state: 'exited', exit };
  const reply = record === null ? null : await ask(record.socketPath, { v: 1, op: 'status' });
  if (reply?.ok === true && reply.record.id === record?.id) {
    if (reply.exit !== null) return { state: 'exited', exit: reply.exit };
    return { state: reply.stop === null ? 'running' : 'stopping', record: reply.record, stop: reply.stop };
  }
  // The lock is let go after exit.json is written, so this order cannot take an end for a loss. The process is
  // looked at too: a worker in another network namespace does not see the lock.
  const isHeld = (await isLocked(paths.dir)) || (record !== null && isRunning(record.keeper));
  const lateExit = readExitFile(paths);
  if (lateExit !== null) return { state: 'exited', exit: lateExit };
  if (isHeld) return { state: 'unresponsive', record };
  const lateRecord = readRecordFile(paths);
  if (lateRecord === null) return { state: 'absent' };
  // A record that appeared meanwhile belongs to a keeper that has only just begun.
  return record === null ? { state: 'unresponsive', record: lateRecord } : { state: 'lost', record };
}
