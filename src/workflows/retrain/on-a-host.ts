import { ActivityFailure, ApplicationFailure, isCancellation, patched, TimeoutFailure } from '@temporalio/workflow';
import { problem } from '../../domain/errors.js';
import type { Timing } from '../../schemas/timing.js';
import { waitingActivities, workActivities } from '../activity-options.js';
import { firstAnswer } from '../open-run.js';

/** A piece of work of a retrain that any host can do. */
export interface HostWork {
  readonly fleet: string;
  readonly timing: Timing;
  /** Longest wait for a host that has a worker. */
  readonly waitMs: number;
  readonly activityId: string;
  readonly summary: string;
  readonly timeoutMs: number;
}

type Ask<T> = (activities: ReturnType<typeof workActivities>) => Promise<T>;

/** Does long work that needs the workspace and no accelerator on the first host of the fleet that answers. */
export async function onAHost<T>(work: HostWork, ask: Ask<T>): Promise<T> {
  const { fleet, timing, waitMs } = work;
  const { hosts } = await waitingActivities(timing, waitMs).awaitHosts({ v: 1, fleet, count: 1, waitMs });
  return onOneOf(hosts, work, ask);
}

/** Does long work on the first of these hosts that answers; another one takes over from one that is gone for good. */
export async function onOneOf<T>(hosts: readonly { readonly name: string }[], work: HostWork, ask: Ask<T>): Promise<T> {
  const { fleet, timing } = work;
  let last: unknown = null;
  for (let rest = hosts; rest[0] !== undefined;) {
    let [{ name }] = rest;
    // A host that is down costs the seconds of a short call. The work itself waits as long as a worker may need to come
    // back: its command goes on meanwhile, and another host would measure beside it.
    if (patched('work-where-a-host-answers'))
      name = (await firstAnswer(rest, fleet, timing, (host) => host.probeHost(undefined))).host;
    try {
      return await ask(workActivities({ ...work, host: name, activityId: `${work.activityId}-${name}` }));
    } catch (error) {
      if (isCancellation(error) || !isNotTaken(error)) throw error;
      last = error;
      rest = rest.filter((host) => host.name !== name);
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
