import { activityInfo } from '@temporalio/activity';
import { join } from 'node:path';
import { isClosedStatus } from '../../domain/closed-status.js';
import { gangWorkflowId, runWorkflowId } from '../../domain/ids.js';
import { modelDir } from '../../host/models/paths.js';
import { measure } from '../../host/retention/measure.js';
import { runDir } from '../../host/run/run-folder.js';
import { dropClaim, tryClaim } from '../../host/store/claim.js';
import type { Claim } from '../../schemas/receipt.js';
import type { RetrainInput } from '../../schemas/retrain.js';
import { describeWorkflow, FORGOTTEN_MS } from '../look-at-runs.js';

type Model = Pick<RetrainInput, 'workspace' | 'model'>;

/**
 * Lets one retrain of a model at a time go on, of whatever schedule: also when a schedule was deleted and applied again
 * while its run goes on, or several servers use the workspace. Null: the model is the caller's until it gives it back or
 * its workflow is closed; else the workflow that has it.
 */
export async function claimModel(model: Model, run: string): Promise<string | null> {
  const mine: Claim = { v: 1, run, owner: owner(), host: '', tryNumber: 1, out: '', at: new Date().toISOString() };
  for (;;) {
    const { claim, isOurs } = await tryClaim(placeOf(model), mine);
    const holder = isOurs ? null : await whoHolds(model.workspace, claim);
    if (isOurs || holder !== null) return holder;
    // Of many that find it abandoned, one takes it away, and one of them gets it.
    await dropClaim(placeOf(model), claim);
  }
}

/** Gives the model back; nothing is done when another retrain has it. */
export async function giveModelBack(model: Model): Promise<void> {
  await dropClaim(placeOf(model), { owner: owner() });
}

/** The workflow for whose sake a claim stands; null when the retrain and the training that it began are over. */
async function whoHolds(workspace: string, { owner: { workflowId, runId }, run, at }: Claim): Promise<string | null> {
  const workflows = [
    { id: workflowId, found: await describeWorkflow(workflowId, runId) },
    { id: runWorkflowId(run), found: await describeWorkflow(runWorkflowId(run)) },
    { id: gangWorkflowId(run), found: await describeWorkflow(gangWorkflowId(run)) },
  ];
  const open = workflows.find(({ found }) => found !== null && !isClosedStatus(found.status.name));
  if (open !== undefined) return open.id;
  if (workflows.some(({ found }) => found !== null)) return null;
  // Of a database that was lost, or of another server that uses the workspace.
  const { touchedMs } = await measure(runDir(workspace, run));
  return Date.now() - Math.max(Date.parse(at), touchedMs) > FORGOTTEN_MS
    ? null
    : `${workflowId}, which this server does not know and which was at work within two days`;
}

function placeOf({ workspace, model }: Model): string {
  return join(modelDir(workspace, model), 'retrain');
}

/** A retrain is one run of its workflow: it never continues as a new one. */
function owner(): Claim['owner'] {
  const { workflowExecution } = activityInfo();
  if (workflowExecution === undefined) throw new TypeError('a retrain belongs to a workflow');
  const { workflowId, runId } = workflowExecution;
  return { workflowId, runId, firstRunId: runId };
}
