import { log } from '@temporalio/activity';
import { keptWhileTraining } from '../../domain/checkpoints/ledger.js';
import { proveRest, type Training } from '../../host/ledger/prove.js';
import { retain } from '../../host/ledger/retain.js';
import { attemptsOf } from '../../host/run/attempts.js';
import type { Recipe } from '../../recipes/recipe.js';

type Train = { readonly checkpoint: { readonly keep: number } };

/**
 * Removes checkpoints beyond those that the spec keeps; `before` is the first attempt that may still be saving. Only
 * told when it fails: what cannot be removed costs space, and the next proof tries again; it is no reason to stop a
 * training.
 */
export async function keepCheckpoints(
  training: Training,
  before: number,
  { recipe, spec }: { readonly recipe: Pick<Recipe, 'checkpoint'>; readonly spec: { readonly train: Train } },
): Promise<void> {
  try {
    const attempts = await attemptsOf(training.workspace, training.run, training.key);
    const ended = attempts.filter(({ attempt }) => attempt < before);
    await proveRest(training, ended, recipe.checkpoint);
    const isTraining = ended.length < attempts.length;
    const { keep } = spec.train.checkpoint;
    await retain(training, isTraining ? keptWhileTraining(keep) : keep);
  } catch (error) {
    log.warn('checkpoints beyond train.checkpoint.keep could not be removed', { run: training.run, error });
  }
}
