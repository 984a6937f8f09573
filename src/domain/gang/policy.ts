import type { Cause, Reaction, Verdict } from '../../schemas/incident.js';
import type { Recovery } from '../../schemas/plan.js';

/** What was spent since the newest proven checkpoint, and who was blamed lately. */
export interface Spent {
  readonly restarts: number;
  readonly byCause: Readonly<Partial<Record<Cause, number>>>;
  readonly blames: readonly { readonly host: string; readonly at: string }[];
}

/** What is done about a failure. */
export interface Decision {
  readonly reaction: Reaction;
  /** In a sentence, for the incident. */
  readonly why: string;
}

/** Restarts per cause without progress. What is not named is bounded by the spec's own limit alone. */
const CAUSE_BUDGETS: Readonly<Partial<Record<Cause, number>>> = {
  // The same batch on the same weights gives the same NaN; once, a flipped bit is possible.
  'nan-loss': 1,
  // Fragmentation may pass with a fresh process; the same shapes will not fit a second time.
  'out-of-memory': 1,
  exception: 2,
  unfinished: 1,
  // What a clean start did not remove is no leftover of ours.
  leftover: 1,
};

/** The third failure of one host within a day is the host's. */
const HOST_BUDGET = 2;
/** How long a failure counts against the host that it was blamed on. */
export const BLAME_WINDOW_MS = 24 * 3_600_000;

/** Causes that another host can cure, where the evidence names the right one; a stall is only seen from the last. */
const HOST_CAUSES: ReadonlySet<Cause> = new Set([
  'rank-killed',
  'rank-crashed',
  'rank-exit',
  'keeper-lost',
  'workspace-lost',
  'out-of-memory',
  'exception',
  'device-fault',
  'link-fault',
]);

/** A device or link that fails again within a day is broken, not unlucky. */
const HOST_BUDGET_OF: Readonly<Partial<Record<Cause, number>>> = { 'device-fault': 1, 'link-fault': 1 };

const UNKNOWN: ReadonlySet<Cause> = new Set(['unknown', 'rank-exit']);

/**
 * What to do about a verdict. A restart is only ever answered while the budgets hold: of the run, of the cause, and of
 * the host, which is replaced when its own is spent. `hasStepped`: whether the attempt did an iteration.
 */
export function decide(
  verdict: Verdict,
  spent: Spent,
  recovery: Recovery,
  nowMs: number,
  hasStepped: boolean,
): Decision {
  const { cause, reaction, host } = verdict;
  if (reaction === 'stop') return { reaction: 'stop', why: `${cause} fails the same way again` };
  if (UNKNOWN.has(cause) && recovery.onUnknown === 'stop')
    return { reaction: 'stop', why: 'the spec says to stop when the cause is not known (recovery.onUnknown)' };
  if (cause === 'out-of-memory' && !hasStepped)
    return { reaction: 'stop', why: 'the memory did not hold the first iteration, so it will not hold it next time' };
  if (spent.restarts >= recovery.maxRestartsWithoutProgress) {
    return {
      reaction: 'stop',
      why: `${spent.restarts} restarts brought no newer proven checkpoint (recovery.maxRestartsWithoutProgress)`,
    };
  }
  const budget = CAUSE_BUDGETS[cause];
  const used = spent.byCause[cause] ?? 0;
  if (budget !== undefined && used >= budget)
    return {
      reaction: 'stop',
      why: `${cause} came again after ${used} restart${used === 1 ? '' : 's'} without progress`,
    };
  if (reaction === 'replace-host') return { reaction, why: `${host ?? 'the host'} cannot go on` };
  const hostBudget = HOST_BUDGET_OF[cause] ?? HOST_BUDGET;
  if (host !== null && HOST_CAUSES.has(cause) && blamesOf(host, spent, nowMs) >= hostBudget) {
    return { reaction: 'replace-host', why: `${host} failed ${hostBudget + 1} times within a day` };
  }
  return { reaction, why: `restart ${spent.restarts + 1} of ${recovery.maxRestartsWithoutProgress} without progress` };
}

/** What is spent after a decision to go on. */
export function charge(spent: Spent, { cause, host }: Verdict, nowMs: number): Spent {
  const recent = spent.blames.filter(({ at }) => nowMs - Date.parse(at) < BLAME_WINDOW_MS);
  return {
    restarts: spent.restarts + 1,
    byCause: { ...spent.byCause, [cause]: (spent.byCause[cause] ?? 0) + 1 },
    // The lists of a run that fails all day stay small: it is told to stop long before.
    blames: host === null ? recent : [...recent, { host, at: new Date(nowMs).toISOString() }].slice(-100),
  };
}

function blamesOf(host: string, { blames }: Spent, nowMs: number): number {
  return blames.filter((blame) => blame.host === host && nowMs - Date.parse(blame.at) < BLAME_WINDOW_MS).length;
}
