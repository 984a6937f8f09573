import type { Cause, Reaction } from '../../../src/schemas/incident.js';
import type { RunState } from '../../../src/schemas/run.js';
import type { StrikeName } from './strikes.js';

/** When a fault from outside strikes; the seed decides where within. */
export type Moment =
  /** At an iteration between the first checkpoint and the last but one. */
  | 'step'
  /** Soon after the first checkpoint, when most of the training is still to come. */
  | 'early'
  /** When all processes are up and no iteration is made. */
  | 'start';

/** A fault of the trainer itself, as its README lists them; `rank` and `iteration` are chosen by the seed where left out. */
export interface InnerFault {
  readonly kind: string;
  readonly rank?: number | 'all' | 'last';
  readonly iteration?: number;
  readonly signal?: string;
  readonly code?: number;
  readonly ms?: number;
  readonly steps?: number;
  readonly at?: string;
  /** Strikes at every start, not once. */
  readonly isLasting?: boolean;
}

export interface Expected {
  readonly end: RunState;
  /** In their order; several causes where the moment decides which is seen. */
  readonly incidents: readonly (readonly [Cause | readonly Cause[], Reaction])[];
  /** Attempts that were opened. */
  readonly attempts: number;
  /** Those whose gang was launched, where it is not all of them. */
  readonly launches?: number;
  /** What the last attempt says of a newer checkpoint that it did not use. */
  readonly refused?: RegExp;
  /** Temper's metrics of a host that lost its power are lost with it, as are those of a time when nobody watched. */
  readonly areMetricsLost?: boolean;
  /** What status or an incident says of the host that the others wait for; of an inner fault's rank, if it is one. */
  readonly slow?: RegExp;
  /** What ends the training says so. */
  readonly says?: RegExp;
}

/** One fault: what, when, and what has to come of it. */
export interface FaultRow {
  readonly name: string;
  /** In `npm test` too: one of each kind of reaction. */
  readonly isQuick?: boolean;
  readonly inner?: readonly InnerFault[];
  readonly strike?: { readonly name: StrikeName; readonly at: Moment };
  /** A third host that may be taken. */
  readonly hasSpare?: boolean;
  /** What it needs of the machine beside processes. */
  readonly needs?: 'own-workspace' | 'own-network' | 'hung-file-system';
  readonly stepMs?: number;
  readonly env?: Readonly<Record<string, string | number>>;
  readonly expected: Expected;
}

const ONCE_RESTARTED = { end: 'done', attempts: 2 } as const;
/** Nothing came of it: one attempt, whose processes went on. */
export const UNTOUCHED: Expected = { end: 'done', incidents: [], attempts: 1 };

/** The training goes on after one restart. */
export function restarted(cause: Cause | readonly Cause[], reaction: Reaction = 'restart'): Expected {
  return { ...ONCE_RESTARTED, incidents: [[cause, reaction]] };
}

/** The run waits for a person at once. */
export function stopped(cause: Cause, says: RegExp): Expected {
  return { end: 'blocked', incidents: [[cause, 'stop']], attempts: 1, says };
}
