import { log } from '@temporalio/activity';
import { proveSaved } from '../host/ledger/prove.js';
import { SaveWatch } from '../host/ledger/save-watch.js';
import type { TrainCall } from '../schemas/stage-calls.js';
import { keepCheckpoints } from './keep-checkpoints.js';
import type { StageInputs } from './stage-inputs.js';

/**
 * Proves the saves of an attempt while it trains, and removes those beyond `train.checkpoint.keep`. The host of rank 0
 * does it, whose log tells of saves: tell `note` each time what was saved last, and `settle` when the ranks have ended.
 * null on all other hosts, so that one of them writes.
 */
export function watchSaves({ workspace, run, nodeRank, attempt }: TrainCall, inputs: StageInputs): SaveWatch | null {
  if (nodeRank !== 0) return null;
  const { recipe, facts, key } = inputs;
  const training = { workspace, run, key };
  return new SaveWatch(async (upTo) => {
    try {
      const proofs = await proveSaved(training, { attempt: attempt.attempt, upTo }, recipe.checkpoint);
      for (const refused of proofs.refused)
        log.warn('a save that the training called successful was refused', { refused });
      await keepCheckpoints(training, attempt.attempt, { recipe, spec: facts.spec });
      return proofs;
    } catch (error) {
      log.warn('saves could not be proven now; the next one tries again', { error });
      throw error;
    }
  });
}
