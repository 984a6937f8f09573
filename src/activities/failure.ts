import { errorText } from '../domain/text/error-text.js';
import { ApplicationFailure } from '@temporalio/activity';
import { problem, TemperError } from '../domain/errors.js';
import { diskProblem } from '../domain/disk-problem.js';
import { KeeperError } from '../host/keeper/errors.js';
import type { Problem } from '../schemas/problem.js';

/** The problem of any error: ours, a keeper's, or a defect. */
export function problemOf(error: unknown): Problem {
  if (error instanceof TemperError) return error.problem;
  if (error instanceof KeeperError) {
    const { what, where, why, fix, isRetryable } = error.facts;
    return { ...problem('KeeperUnusable', { what, where, why, fix }), retryable: isRetryable };
  }
  const onDisk = diskProblem(error, 'temper resume RUN');
  if (onDisk !== null) return onDisk;
  const facts = problem('Internal', { what: errorText(error) });
  // A lost connection may pass (they carry a code); a mistake in the code is the same next time.
  return { ...facts, retryable: error instanceof Error && 'code' in error };
}

/** Tries after which a disk that is full or forbidden is for a person to hear of, not for hours of silent tries. */
const DISK_TRIES = 5;

/**
 * The failure by which an activity ends: the code as its type, the problem as its detail.
 * @param attempt of the activity, from 1: what only a person can remove is not tried for hours
 */
export function failureOf(error: unknown, attempt = 1): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const facts = problemOf(error);
  const isOver = facts.code === 'WorkspaceUnusable' && attempt >= DISK_TRIES;
  return failureFrom(isOver ? { ...facts, retryable: false } : facts);
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
