import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { hostQueue } from '../domain/ids.js';
import type { ControlActivities } from '../activities/control.js';
import type { HostActivities } from '../activities/host.js';
import type { Timing } from '../schemas/timing.js';

/**
 * Every activity waits for the real end of a cancelled one: the SDK's default does not, and a workflow that
 * closes first leaves the activity with nobody to tell it that stopping was asked for.
 */
const WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Failures of a command or a proof never go away by themselves; they are raised as non-retryable. */
function retry(timing: Timing, maximumAttempts: number): NonNullable<ActivityOptions['retry']> {
  return {
    initialInterval: timing.retryInitialMs,
    backoffCoefficient: 2,
    maximumInterval: timing.retryMaximumMs,
    maximumAttempts,
  };
}

/** Short activities that touch no host. */
export function controlActivities(timing: Timing) {
  return proxyActivities<ControlActivities>({
    startToCloseTimeout: timing.callTimeoutMs,
    scheduleToStartTimeout: timing.scheduleToStartMs,
    cancellationType: WAIT,
    retry: retry(timing, 10),
  });
}

/**
 * Waiting for hosts happens inside the activity: a polling workflow would fill its history. When the time is over, the
 * run parks or is skipped with the reason: another hundred of such waits would tell nobody.
 */
export function waitingActivities(timing: Timing, waitMs: number) {
  return proxyActivities<Pick<ControlActivities, 'awaitHosts'>>({
    startToCloseTimeout: waitMs + timing.callTimeoutMs,
    heartbeatTimeout: timing.heartbeatTimeoutMs,
    cancellationType: WAIT,
    retry: { ...retry(timing, 100), nonRetryableErrorTypes: ['NoHosts'] },
  });
}

/** Short calls to one host, which always finds a free slot for them. */
export function callActivities(timing: Timing, fleet: string, host: string) {
  return proxyActivities<HostActivities>({
    taskQueue: hostQueue(fleet, host, 'ctl'),
    startToCloseTimeout: timing.callTimeoutMs + timing.stopGraceMs,
    scheduleToStartTimeout: timing.scheduleToStartMs,
    cancellationType: WAIT,
    retry: retry(timing, 5),
  });
}

/** A call of long work on a host. */
export interface WorkOptions {
  readonly timing: Timing;
  readonly fleet: string;
  readonly host: string;
  readonly activityId: string;
  readonly summary: string;
  readonly timeoutMs: number;
}

/**
 * Long work on one host. Attempts are many, because each attempt only attaches to the command that runs anyway:
 * a lost worker, a redeploy and a server restart each cost one.
 */
export function workActivities({ timing, fleet, host, activityId, summary, timeoutMs }: WorkOptions) {
  return proxyActivities<HostActivities>({
    taskQueue: hostQueue(fleet, host, 'run'),
    activityId,
    summary,
    // Over all attempts: one attempt's own limit would only lead to the next one, which attaches again.
    scheduleToCloseTimeout: timeoutMs,
    heartbeatTimeout: timing.heartbeatTimeoutMs,
    scheduleToStartTimeout: timing.scheduleToStartMs,
    cancellationType: WAIT,
    retry: retry(timing, 1_000),
  });
}
