import { cancellationSignal, Context } from '@temporalio/activity';
import { failureOf } from './failure.js';

/**
 * Whether an attempt that ends with this error has an heir: it was interrupted without a stop being asked for, or
 * Temporal will try again. The next attempt attaches to the commands of this one, those that ended included, so
 * nothing that it needs may be cleaned away.
 */
export function isContinued(error: unknown): boolean {
  if (cancellationSignal().aborted) return Context.current().cancellationDetails?.cancelRequested !== true;
  return failureOf(error).nonRetryable !== true;
}
