import { join } from 'node:path';
import { attemptDir, readAttempt, saveDir } from '../../host/run/attempts.js';
import { ranksOf } from '../../host/run/evidence.js';
import { lastWrite } from '../../host/run/last-write.js';
import { TrainingLog } from '../../host/run/training-log.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { NodeLook, TrainCall } from '../../schemas/stage-calls.js';
import type { StageHost } from '../stage-host.js';
import { gatherBasics } from '../stage-inputs.js';
import { keeperOfAttempt } from './training-commands.js';

/** Whether an attempt moves, as this host sees it; changes nothing. */
export async function lookAtNode(host: StageHost, call: TrainCall): Promise<NodeLook> {
  const { recipe } = await gatherBasics(host, call);
  const seen = { v: 1 as const, host: host.name, writtenAtMs: await writtenAt(call, recipe) };
  const keeper = keeperOfAttempt(host, call);
  if (keeper === null) return { ...seen, state: 'absent', lastIteration: null };
  const ranks = await ranksOf(keeper);
  const speaking = recipe.training.iterationRank(call.nodeCount, ranks.length);
  const { last } = await new TrainingLog(
    keeper.paths.dir,
    ranks.filter((rank) => rank === speaking),
    recipe.training.log,
  ).read();
  return { ...seen, state: (await keeper.status()).state, lastIteration: last?.iteration ?? null };
}

/** What the ranks of any host write: saves, and the curves of the last host, where the iterations are logged. */
async function writtenAt({ workspace, run, attempt: { attempt } }: TrainCall, recipe: Recipe): Promise<number | null> {
  const { curves } = recipe.training;
  const last = (await readAttempt(workspace, run, attempt))?.hosts.at(-1);
  const folders = [saveDir(workspace, run, attempt)];
  if (last !== undefined) folders.push(join(attemptDir(workspace, run, attempt), last, curves));
  const times = await Promise.all(folders.map(lastWrite));
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
