import type { WorkflowExecutionDescription } from '@temporalio/client';
import { ProblemSchema, type Problem } from '../schemas/problem.js';
import { decode } from './history.js';

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type Failure = NonNullable<PendingActivity['lastFailure']>;

/** `PENDING_ACTIVITY_STATE_SCHEDULED`: it waits for its next try. */
const WAITS = 1;
/** What passes at once costs a call one try, and perhaps a second one. */
const TRIES = 3;

/** The problem that a failure, or one behind it, carries; null: none of ours. */
export function problemInFailure(failure: Failure | null | undefined): Problem | null {
  for (let one = failure; one; one = one.cause) {
    const parsed = ProblemSchema.safeParse(decode(one.applicationFailureInfo?.details?.payloads?.[0]));
    if (parsed.success) return parsed.data;
  }
  return null;
}

/** What a call of a run fails with again and again, while it is still tried; null: nothing. */
export function triedAgain(open: readonly WorkflowExecutionDescription[]): Problem | null {
  const waiting = open
    .flatMap(({ raw }) => raw.pendingActivities ?? [])
    .filter(({ state, attempt }) => state === WAITS && (attempt ?? 1) >= TRIES);
  const told = waiting.map(({ lastFailure }) => problemInFailure(lastFailure)).find((one) => one !== null);
  return told === undefined ? null : { ...told, what: `${told.what} (tried again by itself)` };
}
