import { errorText } from '../domain/text/error-text.js';
import { ApplicationFailure } from '@temporalio/activity';
import { problem, TemperError } from '../domain/errors.js';
import { KeeperError } from '../host/keeper/errors.js';
import type { Problem } from '../schemas/problem.js';

/** The problem of any error: ours, a keeper's, or a defect. */
export function problemOf(error: unknown): Problem {
  if (error instanceof TemperError) return error.problem;
  if (error instanceof KeeperError) {
    const { what, where, why, fix, isRetryable } = error.facts;
    return { ...problem('KeeperUnusable', { what, where, why, fix }), retryable: isRetryable };
  }
  const facts = problem('Internal', { what: errorText(error) });
  // A full disk or a lost connection may pass (they carry a code); a mistake in the code is the same next time.
  return { ...facts, retryable: error instanceof Error && 'code' in error };
}

/** The failure by which an activity ends: the code as its type, the problem as its detail. */
export function failureOf(error: unknown): ApplicationFailure {
  return error instanceof ApplicationFailure ? error : failureFrom(problemOf(error));
}

/** The failure of a problem. */
export function failureFrom(facts: Problem): ApplicationFailure {
  return ApplicationFailure.create({
    message: facts.what,
    type: facts.code,
    nonRetryable: !facts.retryable,
    details: [facts],
  });
}
