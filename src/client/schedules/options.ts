import { controlQueue, retrainWorkflowId } from '../../domain/ids.js';
import { beginningMemo } from '../../domain/retrain/memo.js';
import type { RetrainInput } from '../../schemas/retrain.js';

/** What the server is told of a schedule. */
export function optionsOf(input: RetrainInput) {
  const { cron, everyMs, timezone, jitterMs, catchupMs, overlap, pauseOnFailure } = input.when;
  return {
    spec: {
      ...(cron === null ? {} : { cronExpressions: [cron] }),
      ...(everyMs === null ? {} : { intervals: [{ every: everyMs }] }),
      timezone,
      jitter: jitterMs,
    },
    action: {
      type: 'startWorkflow' as const,
      workflowType: 'scheduledRetrain',
      workflowId: retrainWorkflowId(input.schedule),
      taskQueue: controlQueue(input.fleet),
      args: [input],
      memo: { temperRetrain: beginningMemo(input) },
      staticSummary: `retrain of ${input.model}`,
    },
    policies: { overlap, catchupWindow: catchupMs, pauseOnFailure },
  };
}
