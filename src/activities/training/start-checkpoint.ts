import { TemperError } from '../../domain/errors.js';
import { namedCheckpoint, type ProvenCheckpoint } from '../../host/run/attempts.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { PipelineSpec } from '../../schemas/spec.js';

/** The checkpoint that a spec names to start from; throws for one that no training of the spec can start from. */
export async function startCheckpoint(
  path: string,
  { checkpoint: contract }: Pick<Recipe, 'checkpoint'>,
  { iterations }: Pick<PipelineSpec['train'], 'iterations'>,
): Promise<ProvenCheckpoint> {
  const checkpoint = await namedCheckpoint(path, contract);
  if ('refused' in checkpoint) {
    throw new TemperError('ProofFailed', {
      where: path,
      what: `the checkpoint to start from cannot be used: ${checkpoint.refused}`,
      fix: 'name a complete one: temper resume RUN --set train.fromCheckpoint=DIR',
    });
  }
  const { iteration } = checkpoint;
  if (iteration === null || iteration <= iterations) return checkpoint;
  throw new TemperError('ProofFailed', {
    where: path,
    what: `the checkpoint to start from holds iteration ${iteration}, and train.iterations is ${iterations}`,
    why: 'train.iterations counts from the beginning, so nothing is left to train, and no checkpoint of its end would come',
    fix: `train on: temper resume RUN --set train.iterations=N, above ${iteration}; or name an earlier one: --set train.fromCheckpoint=DIR`,
  });
}
