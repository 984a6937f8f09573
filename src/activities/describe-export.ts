import { TemperError } from '../domain/errors.js';
import { provenanceOf } from '../domain/provenance.js';
import { writeModelCard } from '../host/model-card/write-card.js';
import { readModelFolder } from '../host/safetensors/model-folder.js';
import { attemptsOf } from '../host/run/attempts.js';
import { readIncidents } from '../host/run/incidents.js';
import { readLock } from '../host/run/lock-file.js';
import { readStageRecord } from '../host/run/run-folder.js';
import { readReceipt } from '../host/store/entry.js';
import type { Check } from '../recipes/recipe.js';
import type { StageName } from '../schemas/plan.js';
import type { Receipt } from '../schemas/receipt.js';
import type { StageCall } from '../schemas/stage-calls.js';
import { VERSION } from '../version.js';
import type { StageInputs } from './stage-inputs.js';

/**
 * Writes provenance and model card into each model that a stage exports, before its receipt: a model without them is
 * none. The training may be another run's, so attempts, restarts and software are those of the run that trained.
 */
export async function describeExport(
  call: StageCall,
  { recipe, facts }: Pick<StageInputs, 'recipe' | 'facts'>,
  checks: readonly Check[],
): Promise<void> {
  if (call.stage.name !== 'export') return;
  const { workspace, run, specDigest } = call;
  for (const proof of checks) {
    if (proof.kind !== 'sameModel') continue;
    const [weights, data, train] = [
      await receiptOf(call, 'weights'),
      await receiptOf(call, 'data'),
      await receiptOf(call, 'train'),
    ];
    const check = await receiptIfAny(call, 'check');
    const trainer = train.madeBy.run;
    const { tensors, totalBytes } = await readModelFolder(proof.exported);
    const provenance = provenanceOf({
      temper: VERSION,
      run,
      recipe,
      specDigest,
      spec: facts.spec,
      receipts: { weights, data, check, train },
      attempts: await attemptsOf(workspace, trainer, train.key),
      incidents: await readIncidents(workspace, trainer),
      versions: (await readLock(workspace, trainer))?.environment?.versions ?? {},
      frozen: proof.frozen,
      exported: { tensors: tensors.size, bytes: totalBytes },
    });
    await writeModelCard(proof.exported, proof.original, provenance);
  }
}

/** The receipt of an earlier stage, without which nothing can be told. */
async function receiptOf(call: StageCall, stage: StageName): Promise<Receipt> {
  const receipt = await receiptIfAny(call, stage);
  if (receipt !== null) return receipt;
  throw new TemperError('WorkspaceUnusable', {
    where: `runs/${call.run}/stages/${stage}`,
    what: `the receipt of stage ${stage} is gone`,
    why: 'the exported model must tell what it was made from',
    fix: `temper resume ${call.run} --from ${stage}`,
  });
}

/** The receipt of an earlier stage, by the run's own record of it; null for a stage that the recipe does not have. */
async function receiptIfAny({ workspace, run, needs }: StageCall, stage: StageName): Promise<Receipt | null> {
  const key = needs.find((need) => need.stage === stage)?.key ?? (await readStageRecord(workspace, run, stage))?.key;
  return key === undefined ? null : readReceipt(workspace, stage, key);
}
