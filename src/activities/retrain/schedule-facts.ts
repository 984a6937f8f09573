import { getClient } from '@temporalio/activity';
import { TemperError } from '../../domain/errors.js';
import { scheduleId } from '../../domain/ids.js';
import { readChanges } from '../../host/models/changes.js';
import { RetrainMemoSchema, type ResolveCall, type RetrainInput } from '../../schemas/retrain.js';
import { describeWorkflow } from '../look-at-runs.js';

/** A start that comes later than this, and than the jitter, has waited for another run. */
const LATE_MS = 60_000;

/**
 * Why a start that has waited is not wanted any more: what a backfill has queued, the server starts also when the
 * schedule was paused meanwhile. Null: it is wanted; a start by hand is never late.
 */
export async function heldBack({ input, at, startedAt }: ResolveCall): Promise<string | null> {
  if (startedAt === undefined) return null;
  if (Date.parse(startedAt) - Date.parse(at) <= LATE_MS + input.when.jitterMs) return null;
  const { state } = (await describeSchedule(input.schedule)) ?? {};
  if (state?.paused !== true) return null;
  return `schedule ${input.schedule} was paused before the start of ${at} came: ${state.note ?? 'no reason was given'}`;
}

/**
 * Throws where a retrain of the schedule has promoted a model of which the workspace knows nothing: what is to be the
 * second model would be the first one of a new history.
 */
export async function assertHistory(input: RetrainInput): Promise<void> {
  const { schedule, workspace, model } = input;
  if ((await readChanges(workspace, model)).length > 0) return;
  const { info } = (await describeSchedule(schedule)) ?? {};
  for (const { action } of info?.recentActions ?? []) {
    const { workflowId } = action.workflow;
    const memo = RetrainMemoSchema.safeParse((await describeWorkflow(workflowId))?.memo?.['temperRetrain']).data;
    if (memo?.state !== 'promoted' || memo.model !== model || memo.workspace !== workspace) continue;
    throw new TemperError('WorkspaceUnusable', {
      where: workspace,
      what: `the history of model ${model} is gone: ${workflowId} promoted a model here`,
      why: 'a workspace that is not mounted looks like this',
      fix: `mount it on every host, then temper schedule unpause ${schedule}; if the models were removed on purpose: temper schedule delete ${schedule}, then apply its file again`,
    });
  }
}

/** What the server knows of a schedule; null when it was deleted. */
async function describeSchedule(name: string) {
  try {
    return await getClient().schedule.getHandle(scheduleId(name)).describe();
  } catch (error) {
    if (error instanceof Error && error.name === 'ScheduleNotFoundError') return null;
    throw error;
  }
}
