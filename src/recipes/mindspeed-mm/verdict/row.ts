import type { CauseRule } from '../../../domain/causes/causes.js';
import type { Cause, Reaction } from '../../../schemas/incident.js';

/** A text that explains a failure. */
export function row(id: string, pattern: RegExp, cause: Cause, reaction: Reaction, sentence: string): CauseRule {
  return { id, match: { kind: 'text', pattern }, cause, isCascade: false, reaction, sentence };
}

/** A text that follows from a failure elsewhere, or wraps another text; never a first cause. */
export function cascade(id: string, pattern: RegExp, sentence: string): CauseRule {
  return { id, match: { kind: 'text', pattern }, cause: 'peer-lost', isCascade: true, reaction: 'restart', sentence };
}
