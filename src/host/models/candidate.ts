import { isAbsolute, join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { needPlan, readRunSpec, readStageRecord, runDir } from '../run/run-folder.js';
import { readReceipt } from '../store/entry.js';
import { findChange } from '../store/manifest.js';

/** A run's model that may be promoted: exported, verified, and as it was proven. */
export interface Candidate {
  readonly run: string;
  readonly recipe: string;
  readonly specDigest: string;
  readonly spec: PipelineSpec;
  readonly export: { readonly key: string; readonly digest: string; readonly hf: string };
}

/** Looks at the model of a run; throws why it cannot be promoted. */
export async function readCandidate(workspace: string, run: string): Promise<Candidate> {
  const where = runDir(workspace, run);
  const plan = await needPlan(workspace, run);
  const spec = await readRunSpec(workspace, run, plan.specDigest);
  const trial = spec.data.find((set) => 'maxSamples' in set && set.maxSamples !== undefined);
  if (trial !== undefined) {
    throw refused(where, `run ${run} is a trial and never promoted`, `data set ${trial.name} has maxSamples`);
  }
  if ((await readStageRecord(workspace, run, 'verify')) === null) {
    throw refused(where, `the model of run ${run} was not verified`, 'its stage verify is not done');
  }
  const record = await readStageRecord(workspace, run, 'export');
  const receipt = record === null ? null : await readReceipt(workspace, 'export', record.key);
  const hf = receipt?.outputs['hf'];
  if (record === null || receipt === null || hf === undefined) {
    throw refused(where, `run ${run} has no exported model in the store`, 'its export is not done or was removed');
  }
  const dir = isAbsolute(receipt.dir) ? receipt.dir : join(workspace, receipt.dir);
  const change = await findChange(dir, receipt.manifest);
  if (change !== null) throw refused(where, `the exported model of run ${run} is not as it was proven`, change);
  return {
    run,
    recipe: plan.recipe.id,
    specDigest: plan.specDigest,
    spec,
    export: { key: record.key, digest: receipt.digest, hf },
  };
}

function refused(where: string, what: string, why: string): TemperError {
  return new TemperError('PromotionRefused', { where, what, why });
}
