import { activityInfo, cancellationSignal, log } from '@temporalio/activity';
import type { z } from 'zod';
import { problem } from '../domain/errors.js';
import { failureFrom, failureOf } from './failure.js';

/**
 * The one edge of all activities: parses the input, and turns errors into failures with a stable type, the
 * problem as details and the right retryability. A cancelled activity always ends with the SDK's own reason:
 * an AbortError of some library would leave a paused activity stuck on the server.
 */
export function activity<I, O>(schema: z.ZodType<I>, run: (input: I) => Promise<O>): (input: I) => Promise<O> {
  return async (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) {
      throw failureFrom(
        problem('Internal', { what: 'an activity got an input that it does not know', why: parsed.error.message }),
      );
    }
    try {
      return await run(parsed.data);
    } catch (error) {
      const signal = cancellationSignal();
      if (signal.aborted) {
        // Such as a command that could not be stopped: the server only learns that the activity ended.
        if (error !== signal.reason) log.warn('an activity failed while it was being cancelled', { error });
        throw signal.reason;
      }
      const failure = failureOf(error, activityInfo().attempt);
      // The stack of a defect goes to the log of the worker, the sentence to the user.
      if (failure.type === 'Internal' && error !== failure) log.error('defect in an activity', { error });
      throw failure;
    }
  };
}
