import { chooseCheckpoint } from '../../host/ledger/choose.js';
import { attemptsOf } from '../../host/run/attempts.js';
import type { NewestCheckpoint, StageCall } from '../../schemas/stage-calls.js';
import type { StageHost } from '../stage-host.js';
import { gatherInputs } from '../stage-inputs.js';

/** The newest checkpoint of a training that is complete now: what the next attempt will start from. */
export async function findNewestCheckpoint(host: StageHost, call: StageCall): Promise<NewestCheckpoint> {
  const { workspace, run } = call;
  const { recipe, key } = await gatherInputs(host, call);
  const attempts = await attemptsOf(workspace, run, key);
  const { proven } = await chooseCheckpoint({ workspace, run, key }, attempts, recipe.checkpoint);
  return { v: 1, iteration: proven?.iteration ?? null };
}
