import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { problem } from '../../domain/errors.js';
import type { Timing } from '../../schemas/timing.js';
import { waitingActivities, workActivities } from '../activity-options.js';

/** A piece of work of a retrain that any host can do. */
export interface HostWork {
  readonly fleet: string;
  readonly timing: Timing;
  readonly activityId: string;
  readonly summary: string;
  readonly timeoutMs: number;
}

/** Does long work that needs the workspace and no accelerator on the first host of the fleet that takes it. */
export async function onAHost<T>(
  work: HostWork,
  ask: (activities: ReturnType<typeof workActivities>) => Promise<T>,
): Promise<T> {
  const { fleet, timing } = work;
  const waitMs = timing.scheduleToStartMs;
  const { hosts } = await waitingActivities(timing, waitMs).awaitHosts({ v: 1, fleet, count: 1, waitMs });
  // A host that is down costs seconds here: another one can do it as well.
  const quick = { ...timing, scheduleToStartMs: timing.callTimeoutMs };
  let last: unknown = null;
  for (const { name } of hosts) {
    try {
      const activityId = `${work.activityId}-${name}`;
      return await ask(workActivities({ ...work, timing: quick, host: name, activityId }));
    } catch (error) {
      if (isCancellation(error) || !isNotTaken(error)) throw error;
      last = error;
    }
  }
  const facts = problem('HostUnreachable', {
    what: `none of the hosts ${hosts.map(({ name }) => name).join(', ')} takes the work: ${work.summary}`,
    ...(last instanceof Error ? { why: last.message } : {}),
  });
  throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}

function isNotTaken(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'SCHEDULE_TO_START'
  );
}
