import { errorText } from '../domain/text/error-text.js';
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { problem } from '../domain/errors.js';
import type { Problem } from '../schemas/problem.js';

/**
 * The problem behind a failed activity or child workflow: ours when one was raised, else what the server says. With
 * `host`, the fix for a worker that is silent names it.
 */
export function problemOf(error: unknown, where: string, host?: string): Problem {
  const root = rootOf(error);
  if (root instanceof ApplicationFailure) {
    const [detail] = root.details ?? [];
    if (isProblem(detail)) return { ...detail, where: detail.where ?? where };
    return problem('Internal', { where, what: root.message });
  }
  if (root instanceof TimeoutFailure) {
    const why = `Temporal timeout ${root.timeoutType}`;
    if (root.timeoutType === 'START_TO_CLOSE') {
      return problem('HostUnreachable', {
        where,
        what: 'its worker took a short call and did not end it in time',
        why: `${why}: a file system that does not answer is the usual cause`,
        fix: 'look on the host whether ls of the workspace and of its scratch folder ends, then temper resume RUN',
      });
    }
    const silent =
      root.timeoutType === 'SCHEDULE_TO_START'
        ? 'its worker did not take the work in time'
        : 'its worker stopped answering';
    const fix = `start it: temper worker --role host --name ${host} (temper cordon ${host} takes it out instead), then temper resume RUN`;
    return problem('HostUnreachable', { where, what: silent, why, ...(host === undefined ? {} : { fix }) });
  }
  return problem('Internal', { where, what: errorText(root) });
}

/** The failure that says most: activity and child failures wrap the one that caused them. */
function rootOf(error: unknown): unknown {
  let current = error;
  while (
    (current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) &&
    current.cause !== undefined
  ) {
    current = current.cause;
  }
  return current;
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'what' in value && 'fix' in value;
}
