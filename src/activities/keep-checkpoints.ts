import { log } from '@temporalio/activity';
import { proveRest, type Training } from '../host/ledger/prove.js';
import { retain } from '../host/ledger/retain.js';
import { attemptsOf } from '../host/run/attempts.js';
import type { Recipe } from '../recipes/recipe.js';
import type { PipelineSpec } from '../schemas/spec.js';

/**
 * Removes checkpoints beyond those that the spec keeps; `before` is the first attempt that may still be saving. Only
 * told when it fails: what cannot be removed costs space, and the next proof tries again; it is no reason to stop a
 * training.
 */
export async function keepCheckpoints(
  training: Training,
  before: number,
  { recipe, spec }: { readonly recipe: Recipe; readonly spec: PipelineSpec },
): Promise<void> {
  try {
    const attempts = await attemptsOf(training.workspace, training.run, training.key);
    const ended = attempts.filter(({ attempt }) => attempt < before);
    await proveRest(training, ended, recipe.checkpoint);
    await retain(training, spec.train.checkpoint.keep);
  } catch (error) {
    log.warn('checkpoints beyond train.checkpoint.keep could not be removed', { run: training.run, error });
  }
}
