import { log } from '@temporalio/activity';
import { partsOfHosts, slowSavers } from '../../domain/checkpoints/slow-save.js';
import { proveSaved, savedFolders, type Training } from '../../host/ledger/prove.js';
import { SaveWatch } from '../../host/ledger/save-watch.js';
import { readShardEnds } from '../../host/ledger/shard-ends.js';
import { allAttempts } from '../../host/run/attempts.js';
import type { SlowHost } from '../../schemas/pace.js';
import type { TrainCall } from '../../schemas/stage-calls.js';
import { keepCheckpoints } from './keep-checkpoints.js';
import type { StageInputs } from '../stage-inputs.js';

/** What the host of rank 0 does about saves while it trains. */
export interface WatchedSaves {
  readonly proving: SaveWatch;
  /** Hosts that the newest save waited for; null until there is a save. */
  slow(): readonly SlowHost[] | null;
}

/**
 * Proves the saves of an attempt while it trains, and removes those beyond `train.checkpoint.keep`. The host of rank 0
 * does it, whose log tells of saves: tell `note` each time what was saved last, and `settle` when the ranks have ended.
 * null on all other hosts, so that one of them writes.
 */
export function watchSaves(call: TrainCall, inputs: StageInputs): WatchedSaves | null {
  const { workspace, run, nodeRank, attempt } = call;
  if (nodeRank !== 0) return null;
  const { recipe, facts, key } = inputs;
  const training = { workspace, run, key };
  let slow: readonly SlowHost[] | null = null;
  const proving = new SaveWatch(async (upTo) => {
    try {
      const proofs = await proveSaved(training, { attempt: attempt.attempt, upTo }, recipe.checkpoint);
      for (const refused of proofs.refused)
        log.warn('a save that the training called successful was refused', { refused });
      // Before retention, which may remove it.
      if (proofs.newest !== null)
        slow = await slowIn(training, attempt.attempt, proofs.newest, inputs).catch(() => null);
      await keepCheckpoints(training, attempt.attempt, { recipe, spec: facts.spec });
      return proofs;
    } catch (error) {
      log.warn('saves could not be proven now; the next one tries again', { error });
      throw error;
    }
  });
  return { proving, slow: () => slow };
}

async function slowIn(
  training: Training,
  attempt: number,
  iteration: number,
  { recipe, facts }: StageInputs,
): Promise<readonly SlowHost[]> {
  const folder = (await savedFolders(training, attempt, recipe.checkpoint)).find((one) => one.iteration === iteration);
  const record = (await allAttempts(training.workspace, training.run)).find((one) => one.attempt === attempt);
  if (folder === undefined || record === undefined) return [];
  const shards = await readShardEnds(folder.dir, recipe.checkpoint.layout);
  return slowSavers(iteration, partsOfHosts(shards, record.hosts, facts.spec.fleet.npusPerHost));
}
