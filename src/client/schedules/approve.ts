import { TemperError } from '../../domain/errors.js';
import { runWorkflowId } from '../../domain/ids.js';
import { ProblemSchema } from '../../schemas/problem.js';
import type { ApproveRequest } from '../../schemas/retrain.js';
import type { Approved } from '../../schemas/schedule.js';
import type { TemperClient } from '../connect.js';
import { describe } from '../run-status.js';

/** Lets the retrain that a run belongs to promote its model, or refuses it. */
export async function approveRun(
  client: TemperClient,
  run: string,
  answer: Omit<ApproveRequest, 'v'>,
): Promise<Approved> {
  const description = await describe(client, runWorkflowId(run));
  if (description === null) throw new TemperError('RunNotFound', { what: `there is no run ${run}` });
  const parent = description.raw.workflowExecutionInfo?.parentExecution?.workflowId ?? null;
  if (parent === null) throw notAwaited(run, `run ${run} was not started by a schedule`);
  try {
    await client.temporal.workflow
      .getHandle(parent)
      .executeUpdate('approveRetrain', { args: [{ v: 1, ...answer } satisfies ApproveRequest] });
  } catch (error) {
    throw notAwaited(run, whyRefused(error));
  }
  return { v: 1, run, isApproved: answer.isApproved };
}

function notAwaited(run: string, what: string): TemperError {
  return new TemperError('ApprovalNotAwaited', { where: run, what });
}

/** A rejected update carries the problem; an update of a closed workflow is refused by the server. */
function whyRefused(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const details = typeof cause === 'object' && cause !== null && 'details' in cause ? cause.details : undefined;
  const parsed = ProblemSchema.safeParse(Array.isArray(details) ? details[0] : undefined);
  if (parsed.success) return parsed.data.what;
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return 'its retrain is over';
  return error instanceof Error ? (cause instanceof Error ? cause.message : error.message) : String(error);
}
