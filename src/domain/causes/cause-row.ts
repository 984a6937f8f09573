import type { Cause, Reaction } from '../../schemas/incident.js';
import type { CauseMatch, CauseRule } from './causes.js';

/** A sign that explains a failure. */
export function row(id: string, match: CauseMatch, cause: Cause, reaction: Reaction, sentence: string): CauseRule {
  return { id, match, cause, isCascade: false, reaction, sentence };
}

/** A sign that follows from a failure elsewhere; never a first cause. */
export function cascade(id: string, match: CauseMatch, cause: Cause, sentence: string): CauseRule {
  return { id, match, cause, isCascade: true, reaction: 'restart', sentence };
}
