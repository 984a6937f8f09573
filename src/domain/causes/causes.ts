import type { Cause, Reaction } from '../../schemas/incident.js';

/** What a rule looks at. A kind with more to say outweighs one with less, whatever their order in the table. */
export type CauseMatch =
  /** A line of a failed rank's error log; not `isAnywhere`: only of its last exception, where it ended with one. */
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly isAnywhere?: false }
  /** The exception that ended a traceback, as `module.Class: message`. */
  | { readonly kind: 'exception'; readonly pattern: RegExp }
  /** A fatal event of the log dialect, by its id. */
  | { readonly kind: 'event'; readonly id: RegExp }
  /** How a rank or the launcher ended. */
  | { readonly kind: 'exit'; readonly codes?: readonly number[]; readonly signals?: readonly string[] }
  /** Why the keeper stopped the command. */
  | { readonly kind: 'stop'; readonly reason: RegExp }
  /** The problem that an activity of the attempt ended with. */
  | { readonly kind: 'problem'; readonly codes?: readonly string[] }
  /** Processes survived SIGKILL. */
  | { readonly kind: 'unkillable' }
  /** The host did not answer. */
  | { readonly kind: 'unobserved' };

/** One row: what a sign means. The texts `{host}`, `{rank}` and `{text}` of the sentence are filled in. */
export interface CauseRule {
  readonly id: string;
  readonly match: CauseMatch;
  readonly cause: Cause;
  /** A consequence of a failure elsewhere: a peer that lost its connection, a rank that was stopped. */
  readonly isCascade: boolean;
  readonly reaction: Reaction;
  readonly sentence: string;
  /** What it means once the attempt has done an iteration, where that differs: what was left behind shows before. */
  readonly onceStepped?: { readonly cause: Cause; readonly reaction: Reaction };
  /**
   * Of the lines of one log the earliest explains the others, except where a rule says: `first` explains whatever other
   * lines say, `last` only wraps or follows what another line may say.
   */
  readonly order?: 'first' | 'last';
}

/** Rule of a problem that no other rule knows; it counts only where no log says anything. */
export const ANY_PROBLEM = 'any-problem';

/** How much a match says, by its kind: a known text explains an exit status, never the other way round. */
export function weightOf(kind: CauseMatch['kind']): number {
  switch (kind) {
    case 'exit':
      return 1;
    case 'problem':
    case 'exception':
    case 'stop':
    case 'unobserved':
      return 2;
    case 'text':
    case 'event':
    case 'unkillable':
      return 3;
  }
}
