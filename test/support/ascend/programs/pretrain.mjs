import {
  CollectiveError,
  BadInput,
  formatTraceback,
  PythonError,
} from '../../../../src/recipes/simulated/programs/program-errors.mjs';
import { sharedProcess } from '../../../../src/recipes/simulated/programs/rank-process.mjs';
import { timestamp } from '../../../../src/recipes/simulated/programs/training-log.mjs';
import { parseTrainingArguments } from './arguments.mjs';
import { runRank } from './training.mjs';

/** `pretrain_transformers.py`: all ranks of a host. */
async function main() {
  const { env, argv } = process;
  const master = { host: env.MASTER_ADDR, port: Number(env.MASTER_PORT) };
  await Promise.all(
    sharedProcess(env).map(async (rank) => {
      try {
        await runRank(parseTrainingArguments(argv.slice(2)), rank, master, env);
      } catch (error) {
        fail(rank, error);
      }
    }),
  );
}

function fail(rank, error) {
  const say = (text) => rank.write(2, text);
  const isUsers = error instanceof BadInput;
  if (isUsers) say(`usage: pretrain_transformers.py [-h] ...\n${error.message}\n`);
  else say(formatTraceback(asPython(error, rank), `[rank${rank.rank}]: `));
  rank.exit(isUsers ? 2 : 1);
}

/** A device learns of a lost peer by its own time-out, and says so in its own words. */
function asPython(error, rank) {
  if (!(error instanceof CollectiveError)) return error;
  const who = `PID:${process.pid}, Device:${rank.localRank}, RankID:${rank.rank}`;
  return new PythonError(
    'RuntimeError',
    [
      'HCCL function error: hcclAllReduce, error code is 9',
      `[ERROR] ${timestamp().replace(' ', '-')} (${who}) ERR02200 DIST call hccl api failed.`,
      `EI0002: The wait execution of the Notify register times out. Reason: ${error.message}`,
    ].join('\n'),
  );
}

await main();
