import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';
import type { GangBook } from '../../domain/gang/gang-book.js';
import { stageActivityId } from '../../domain/ids.js';
import type { LeaseGrant } from '../../schemas/fleet-calls.js';
import type { Problem } from '../../schemas/problem.js';
import type { GangInput, TrainCall } from '../../schemas/stage-calls.js';
import { callActivities, workActivities } from '../activity-options.js';
import { problemOf } from '../problem-of.js';

/** A gang at work: what it was told, what it remembers, and the hosts that it has now. */
export interface Gang {
  readonly input: GangInput;
  readonly book: GangBook;
  readonly grant: LeaseGrant;
}

/** One host's part of an attempt. */
export interface Node {
  readonly host: string;
  readonly call: TrainCall;
}

/** Something failed on one host. */
export class NodeFailure extends Error {
  readonly host: string;
  readonly problem: Problem;

  constructor(host: string, cause: unknown, known: Problem = problemOf(cause, host)) {
    super(`${host} failed`, { cause });
    this.host = host;
    this.problem = known;
  }

  /** A failure that the workflow itself found. */
  static of(host: string, known: Problem): NodeFailure {
    return new NodeFailure(host, null, known);
  }

  /** Nobody took the work, or whoever had it fell silent: the host may be gone, while a failed call is an answer. */
  get isSilence(): boolean {
    return isUnanswered(this.cause);
  }
}

/** Whether nobody answered a call: it was not taken, or its heartbeats ended. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof TimeoutFailure)) return false;
  return error.cause.timeoutType === 'SCHEDULE_TO_START' || error.cause.timeoutType === 'HEARTBEAT';
}

/** Short calls to a host: one that is down must cost seconds here, not the minutes that a worker's restart may take. */
export function quickCalls({ fleet, call }: GangInput, host: string, patienceMs: number = call.timing.callTimeoutMs) {
  return callActivities({ ...call.timing, scheduleToStartMs: patienceMs }, fleet, host);
}

/** Work of a certain kind on a host's long queue. */
export function workOn({ call, fleet }: GangInput, host: string, verb: string) {
  return workActivities({
    timing: call.timing,
    fleet,
    host,
    activityId: stageActivityId(`${call.stage.name}-${verb}`, call.tryNumber, host),
    summary: `${verb}: ${host}`,
    timeoutMs: call.stage.timeoutMs,
  });
}

/** Names the host in the failure of its call. */
export async function onHost<T>(host: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new NodeFailure(host, error);
  }
}
