import { setTimeout as sleep } from 'node:timers/promises';
import { readProcess } from './proc.js';
import type { ProcessInfo } from './proc.js';
import type { ProcessTracker } from './tracker.js';

/** How patiently processes are ended. Times are on the monotonic clock of `performance.now()`, in ms. */
export interface SweepOptions {
  /** When TERM turns into KILL; a function, because a second stop request may shorten it. */
  readonly graceEndsAt: () => number;
  /** How long after the first KILL survivors are reported instead of waited for. */
  readonly killDeadlineMs: number;
  /** Replaces the signal, in tests. */
  readonly send?: (target: ProcessInfo, signal: NodeJS.Signals) => void;
}

/** What a sweep did. */
export interface SweepResult {
  /** Distinct processes that were signalled. */
  readonly signalled: number;
  /** Whether any of them needed KILL. */
  readonly isForced: boolean;
  /** Pids that outlived KILL by the deadline: stuck in a driver or a dead file system. */
  readonly unkillable: readonly number[];
}

/** Slower looks for long graces, quick ones for the common case that all end at once. */
const MIN_POLL_MS = 10;
const MAX_POLL_MS = 200;
/** How long an unreadable process (state D) may leave a proof open; ordinary disk waits are far shorter. */
const UNJUDGED_PATIENCE_MS = 2_000;

/**
 * Ends all processes of a command: TERM, grace, KILL, and proof that none is left.
 *
 * Proof means two empty scans in a row: a listing of /proc is not atomic, and a process forked behind its cursor by
 * a parent that then exits is missed by one scan, not by the next. Never waits longer than grace plus deadline.
 */
export async function sweep(tracker: ProcessTracker, options: SweepOptions): Promise<SweepResult> {
  const { graceEndsAt, killDeadlineMs, send = sendSignal } = options;
  const termed = new Set<string>();
  let killedSince: number | null = null;
  let unjudgedSince: number | null = null;
  let emptyScans = 0;
  for (let pollMs = MIN_POLL_MS; ; pollMs = Math.min(pollMs * 1.5, MAX_POLL_MS)) {
    const { targets, unjudged } = tracker.scan();
    const now = performance.now();
    if (targets.length === 0) {
      unjudgedSince ??= now;
      const isConclusive = unjudged === 0 || now - unjudgedSince >= UNJUDGED_PATIENCE_MS;
      emptyScans += 1;
      if (isConclusive && emptyScans >= 2) {
        return { signalled: termed.size, isForced: killedSince !== null, unkillable: [] };
      }
      if (isConclusive) continue;
    } else {
      emptyScans = 0;
      unjudgedSince = null;
      if (killedSince !== null && now - killedSince >= killDeadlineMs) {
        return { signalled: termed.size, isForced: true, unkillable: targets.map((one) => one.pid) };
      }
      for (const target of targets) {
        const key = `${target.pid}:${target.startTicks}`;
        if (!termed.has(key)) {
          termed.add(key);
          send(target, 'SIGTERM');
          // A stopped process would not see TERM before KILL, and so lose its grace.
          send(target, 'SIGCONT');
        }
        if (now >= graceEndsAt()) send(target, 'SIGKILL');
      }
      if (now >= graceEndsAt()) killedSince ??= now;
    }
    const graceLeftMs = graceEndsAt() - now;
    await sleep(graceLeftMs > 0 ? Math.min(pollMs, graceLeftMs) : pollMs);
  }
}

/** Signals exactly the process that was seen: a pid reused since then is left alone. */
export function sendSignal(
  target: { readonly pid: number; readonly startTicks: number },
  signal: NodeJS.Signals,
): void {
  if (readProcess(target.pid)?.startTicks !== target.startTicks) return;
  try {
    process.kill(target.pid, signal);
  } catch {
    // ESRCH: it ended just now. EPERM: it changed its user; the next scans tell whether it survives.
  }
}
