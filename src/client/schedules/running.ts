import { scheduleOfRetrain } from '../../domain/ids.js';
import { RetrainMemoSchema, type RetrainInput, type RetrainMemo } from '../../schemas/retrain.js';
import type { TemperClient } from '../connect.js';

/** A retrain that is under way, and what it tells of itself; null: nothing yet. */
export interface OpenRetrain {
  readonly workflowId: string;
  readonly schedule: string;
  readonly memo: RetrainMemo | null;
}

/** The retrains that are under way, of all schedules. */
export async function* openRetrains(client: TemperClient): AsyncGenerator<OpenRetrain> {
  const query = `WorkflowType = 'scheduledRetrain' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, memo } of client.temporal.workflow.list({ query })) {
    const schedule = scheduleOfRetrain(workflowId);
    if (schedule === null) continue;
    yield { workflowId, schedule, memo: RetrainMemoSchema.safeParse(memo?.['temperRetrain']).data ?? null };
  }
}

/**
 * A retrain of the model that is under way and is none of `own`, or null: one of another schedule, or of one that was
 * deleted and applied again. While it runs, others are skipped; this only tells so early.
 */
export async function otherRetrain(
  client: TemperClient,
  { model, workspace }: Pick<RetrainInput, 'model' | 'workspace'>,
  own: readonly string[],
): Promise<string | null> {
  for await (const { workflowId, memo } of openRetrains(client)) {
    if (memo?.model === model && memo.workspace === workspace && !own.includes(workflowId)) return workflowId;
  }
  return null;
}
