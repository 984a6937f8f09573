import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { problem } from '../domain/errors.js';
import type { HostRecord } from '../schemas/host.js';
import type { PipelinePlan, StageName } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { PipelineInput } from '../schemas/run.js';
import type { Timing } from '../schemas/timing.js';
import { callActivities, waitingActivities } from './activity-options.js';

/** Hosts of the fleet, once there are enough of them for the plan. */
export async function fleetHosts(plan: PipelinePlan, timing: Timing, leaseWaitMs?: number): Promise<HostRecord[]> {
  // Workers that are starting need seconds; a fleet that is too small is a person's problem soon after. Where nobody
  // looks, it may be short of hosts that are set aside for as long as they may be busy.
  const waitMs = Math.max(timing.scheduleToStartMs, leaseWaitMs ?? 0);
  const { hosts } = await waitingActivities(timing, waitMs).awaitHosts({
    v: 1,
    fleet: plan.fleet.name,
    count: plan.fleet.hosts,
    waitMs,
  });
  return hosts;
}

/** The first of `hosts` that answers a short call, with the call's answer. */
export async function firstAnswer<T>(
  hosts: readonly { readonly name: string }[],
  fleet: string,
  timing: Timing,
  ask: (activities: ReturnType<typeof callActivities>) => Promise<T>,
): Promise<{ host: string; answer: T }> {
  let last: unknown = null;
  // A host that is down must cost seconds here, not the ten minutes that work for one certain host may wait.
  const quick = { ...timing, scheduleToStartMs: timing.callTimeoutMs };
  for (const { name } of hosts) {
    try {
      return { host: name, answer: await ask(callActivities(quick, fleet, name)) };
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!isUnanswered(error)) throw error;
      last = error;
    }
  }
  const facts = noAnswer(hosts, isTaken(last), last);
  throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}

/** Hosts without an answer: those whose workers are there need no worker, but a look at what they wait for. */
function noAnswer(hosts: readonly { readonly name: string }[], areThere: boolean, last: unknown): Problem {
  const names = hosts.map(({ name }) => name).join(', ');
  if (!areThere) {
    const why = last instanceof Error ? { why: last.message } : {};
    return problem('HostUnreachable', { what: `none of the hosts ${names} answers`, ...why });
  }
  return problem('HostUnreachable', {
    what: `the workers of ${names} took a short call and did not end it in time`,
    why: 'a file system that does not answer is the usual cause: the workspace, or a path that the spec names',
    fix: 'look on the host whether ls of these folders ends, mount them again, then temper resume RUN',
  });
}

/** Writes the run's folder through any host that answers, which looks at the files of the stages that will run. */
export async function openRunFolder(
  plan: PipelinePlan,
  specText: string,
  { timing, from, until, onFailure, leaseWaitMs }: PipelineInput,
  stages: readonly StageName[],
): Promise<void> {
  const hosts = await fleetHosts(plan, timing, leaseWaitMs);
  const startedAt = workflowInfo().startTime.toISOString();
  const request = { v: 1 as const, from, until, onFailure, startedAt };
  await firstAnswer(hosts, plan.fleet.name, timing, (activities) =>
    activities.openRun({ v: 1, specText, plan, request, stages: [...stages] }),
  );
}

/** Whether the call came to no end in time: the host may be down, while a failed call is an answer. */
function isUnanswered(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}

/** Whether a worker took the call that came to no end. */
function isTaken(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'START_TO_CLOSE'
  );
}
