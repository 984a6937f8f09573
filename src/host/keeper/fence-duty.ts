import type { KeeperFence } from '../../schemas/keeper.js';
import type { Duty } from './duties.js';
import type { KeptCommand } from './kept-command.js';
import type { Look } from './look.js';
import type { Looker } from './looker.js';

/** Reason in `exit.json` of a command that a newer attempt replaced. */
export const FENCED = 'fenced';
/** Reason in `exit.json` of a command whose workspace could not be read for the whole timeout. */
export const WORKSPACE_LOST = 'workspace-lost';

/** Ranks of an attempt that is over have nothing to save; two seconds let them flush their logs. */
const LONGEST_GRACE_MS = 2_000;

/**
 * Ends a command when a newer attempt took over, or when the workspace could not be read for `timeoutMs`: then a newer
 * attempt may have taken over unseen. Only the keeper's own monotonic clock judges, so a look that hangs and a clock
 * that is set do not matter.
 *
 * The time counts from the first look that was asked for and has not been followed by a good one. A keeper that was
 * itself stopped meanwhile (SIGSTOP, a suspended machine) has asked for none, so it looks again before it judges.
 */
export function fenceDuty(fence: KeeperFence, looker: Looker, log: (text: string) => void): Duty {
  const graceMs = Math.min(LONGEST_GRACE_MS, Math.floor(fence.timeoutMs / 10));
  let isAsked = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let doubtSince: number | null = null;
  let trouble: string | null = null;

  const take = (command: KeptCommand, found: Look): void => {
    isAsked = false;
    if (found.kind === 'unreadable') {
      if (trouble === null) log(`the workspace cannot be read: ${found.why}`);
      trouble = found.why;
      return;
    }
    if (trouble !== null) log('the workspace can be read again');
    trouble = null;
    doubtSince = null;
    if (found.attempt === null || found.attempt <= fence.attempt) return;
    log(`attempt ${fence.attempt} is fenced: ${fence.file} names attempt ${found.attempt}`);
    command.requestStop({ requestedBy: 'keeper', reason: FENCED, graceMs });
  };

  const judge = (command: KeptCommand): void => {
    if (doubtSince === null || performance.now() - doubtSince < fence.timeoutMs) return;
    if (command.status().stop === null) {
      log(`${fence.file} could not be read for ${fence.timeoutMs} ms: ${trouble ?? 'a look hangs'}`);
    }
    command.requestStop({ requestedBy: 'keeper', reason: WORKSPACE_LOST, graceMs });
  };

  return {
    // Fine enough for a stop in time, and no finer than the looks themselves where those are frequent.
    everyMs: () => Math.max(20, Math.min(fence.everyMs, fence.timeoutMs / 10)),
    perform: (command) => {
      const now = performance.now();
      if (!isAsked && now - askedAt >= fence.everyMs) {
        isAsked = true;
        askedAt = now;
        doubtSince ??= now;
        void looker.look().then((found) => take(command, found));
      }
      // After the answers that have arrived: timers come first when a stopped keeper continues.
      setImmediate(judge, command);
    },
  };
}
