import { TrainingLog } from '../host/run/training-log.js';
import { ranksOf } from '../host/run/evidence.js';
import type { NodeLook, TrainCall } from '../schemas/stage-calls.js';
import type { StageHost } from './stage-host.js';
import { gatherBasics } from './stage-inputs.js';
import { keeperOfAttempt } from './training-commands.js';

/** Whether an attempt moves, as this host sees it; changes nothing. */
export async function lookAtNode(host: StageHost, call: TrainCall): Promise<NodeLook> {
  const keeper = keeperOfAttempt(host, call);
  if (keeper === null) return { v: 1, host: host.name, state: 'absent', lastIteration: null };
  const { recipe } = await gatherBasics(host, call);
  const ranks = await ranksOf(keeper);
  const speaking = recipe.training.iterationRank(call.nodeCount, ranks.length);
  const { last } = await new TrainingLog(
    keeper.paths.dir,
    ranks.filter((rank) => rank === speaking),
    recipe.training.log,
  ).read();
  return { v: 1, host: host.name, state: (await keeper.status()).state, lastIteration: last?.iteration ?? null };
}
