import { RetrainMemoSchema, type RetrainInput } from '../../schemas/retrain.js';
import type { TemperClient } from '../connect.js';

/**
 * A retrain of the model that is under way and is none of `own`, or null: one of another schedule, or of one that was
 * deleted and applied again. While it runs, others are skipped; this only tells so early.
 */
export async function otherRetrain(
  client: TemperClient,
  { model, workspace }: Pick<RetrainInput, 'model' | 'workspace'>,
  own: readonly string[],
): Promise<string | null> {
  const query = `WorkflowType = 'scheduledRetrain' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, memo } of client.temporal.workflow.list({ query })) {
    const told = RetrainMemoSchema.safeParse(memo?.['temperRetrain']).data;
    if (told?.model === model && told.workspace === workspace && !own.includes(workflowId)) return workflowId;
  }
  return null;
}
