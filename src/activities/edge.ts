import { ApplicationFailure, cancellationSignal, log } from '@temporalio/activity';
import type { z } from 'zod';
import { problem, TemperError } from '../domain/errors.js';
import { KeeperError } from '../host/keeper/errors.js';
import type { Problem } from '../schemas/problem.js';

/**
 * The one edge of all activities: parses the input, and turns errors into failures with a stable type, the
 * problem as details and the right retryability. A cancelled activity always ends with the SDK's own reason:
 * an AbortError of some library would leave a paused activity stuck on the server.
 */
export function activity<I, O>(schema: z.ZodType<I>, run: (input: I) => Promise<O>): (input: I) => Promise<O> {
  return async (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) {
      throw failureOf(problem('Internal', { what: 'an activity got an input that it does not know', why: parsed.error.message }));
    }
    try {
      return await run(parsed.data);
    } catch (error) {
      const signal = cancellationSignal();
      if (signal.aborted) throw signal.reason;
      throw error instanceof ApplicationFailure ? error : describe(error);
    }
  };
}

function describe(error: unknown): ApplicationFailure {
  if (error instanceof TemperError) return failureOf(error.problem);
  if (error instanceof KeeperError) {
    const { what, where, why, fix, isRetryable } = error.facts;
    return failureOf({ ...problem('KeeperUnusable', { what, where, why, fix }), retryable: isRetryable });
  }
  // A defect: the stack goes to the log of the worker, the sentence to the user.
  log.error('defect in an activity', { error });
  return failureOf(problem('Internal', { what: error instanceof Error ? error.message : String(error) }));
}

function failureOf(facts: Problem): ApplicationFailure {
  return ApplicationFailure.create({
    message: facts.what,
    type: facts.code,
    nonRetryable: !facts.retryable,
    details: [facts],
  });
}
