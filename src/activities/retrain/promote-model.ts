import { isClosedStatus } from '../../domain/closed-status.js';
import { runWorkflowId } from '../../domain/ids.js';
import { promote } from '../../host/models/promote.js';
import { versionDir } from '../../host/models/paths.js';
import { listVersions, retainVersions } from '../../host/models/versions.js';
import { runDir } from '../../host/run/run-folder.js';
import { measure } from '../../host/retention/measure.js';
import { specsNaming } from '../../host/run/specs-naming.js';
import { describeWorkflow, FORGOTTEN_MS } from '../look-at-runs.js';
import { giveModelBack } from './claim-model.js';
import type { PromoteAnswer, PromoteCall } from '../../schemas/retrain.js';

/** Makes a run's model current unless another one became current meanwhile, and gives up the oldest ones. */
export async function promoteModel(call: PromoteCall): Promise<PromoteAnswer> {
  const { workspace, model, run, token, keep, by, why, fingerprint, startedFrom, metrics, expected } = call;
  const promotion = { workspace, model, run, token, fingerprint, startedFrom, metrics, by, why };
  const outcome = await promote({ ...promotion, expected });
  const removed = outcome.isPromoted && keep !== null ? await giveUpOld(workspace, model, keep) : [];
  // It was the last that the retrain does.
  await giveModelBack({ workspace, model });
  if (!outcome.isPromoted) return { v: 1, isPromoted: false, version: null, why: outcome.why, removed: [] };
  return { v: 1, isPromoted: true, version: outcome.version.version, why: null, removed };
}

async function giveUpOld(workspace: string, model: string, keep: number): Promise<number[]> {
  return retainVersions(workspace, model, { keep, spare: await startedFromNow(workspace, model) });
}

/** Versions that a run which is not known to be over names in its spec. */
async function startedFromNow(workspace: string, model: string): Promise<number[]> {
  const spare: number[] = [];
  for (const { version } of await listVersions(workspace, model)) {
    const runs = await specsNaming(workspace, versionDir(workspace, model, version));
    for (const run of runs) if (!(await isOver(workspace, run))) spare.push(version);
  }
  return spare;
}

async function isOver(workspace: string, run: string): Promise<boolean> {
  const workflow = await describeWorkflow(runWorkflowId(run)).catch(() => null);
  if (workflow !== null) return isClosedStatus(workflow.status.name);
  // One that the server does not know may be of a database that was lost, and somebody may recover it.
  return Date.now() - (await measure(runDir(workspace, run))).touchedMs > FORGOTTEN_MS;
}
