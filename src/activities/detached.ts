import { cancellationSignal, Context } from '@temporalio/activity';

/**
 * Whether this attempt ends while its command goes on: the activity was interrupted, but nobody asked for a stop.
 * The next attempt attaches, so nothing that it needs may be cleaned away.
 */
export function isDetached(): boolean {
  return cancellationSignal().aborted && Context.current().cancellationDetails?.cancelRequested !== true;
}
