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
  for (const check of checks) {
    if (check.kind !== 'sameModel') continue;
    const [weights, data, train] = [
      await receiptOf(call, 'weights'),
      await receiptOf(call, 'data'),
      await receiptOf(call, 'train'),
    ];
    const trainer = train.madeBy.run;
    const { tensors, totalBytes } = await readModelFolder(check.exported);
    const provenance = provenanceOf({
      temper: VERSION,
      run,
      recipe,
      specDigest,
      spec: facts.spec,
      receipts: { weights, data, train },
      attempts: await attemptsOf(workspace, trainer, train.key),
      incidents: await readIncidents(workspace, trainer),
      versions: (await readLock(workspace, trainer))?.environment?.versions ?? {},
      frozen: check.frozen,
      exported: { tensors: tensors.size, bytes: totalBytes },
    });
    await writeModelCard(check.exported, check.original, provenance);
  }
}

/** The receipt of an earlier stage, by the run's own record of it. */
async function receiptOf({ workspace, run, needs }: StageCall, stage: StageName): Promise<Receipt> {
  const key =
    needs.find((need) => need.stage === stage)?.key ?? (await readStageRecord(workspace, run, stage))?.key ?? null;
  const receipt = key === null ? null : await readReceipt(workspace, stage, key);
  if (receipt !== null) return receipt;
  throw new TemperError('WorkspaceUnusable', {
    where: `runs/${run}/stages/${stage}`,
    what: `the receipt of stage ${stage} is gone`,
    why: 'the exported model must tell what it was made from',
    fix: `temper resume ${run} --from ${stage}`,
  });
}
