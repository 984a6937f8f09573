import { setTimeout as sleep } from 'node:timers/promises';
import { BadInput, CollectiveError, formatTraceback } from './program-errors.mjs';
import { ownProcess, sharedProcess } from './rank-process.mjs';
import { runRank } from './training.mjs';
import { parseTrainingArguments } from './training-arguments.mjs';

/**
 * How long a rank takes to end after it noticed that another one is gone. Python takes longer to tear down; so the
 * launcher sees the first cause first, also when both are its ranks.
 */
const TEAR_DOWN_MS = 200;

/** One rank of a training, or all ranks of a host, as `launch.mjs` starts them. */
async function main() {
  const { env, argv } = process;
  const ranks = env.SIM_RANK_LOG_DIR === undefined ? [ownProcess(env)] : sharedProcess(env);
  const master = { host: env.MASTER_ADDR, port: Number(env.MASTER_PORT) };
  await Promise.all(
    ranks.map(async (rank) => {
      try {
        await runRank(parseTrainingArguments(argv.slice(2), env), rank, master);
      } catch (error) {
        const isUsers = error instanceof BadInput;
        rank.write(
          2,
          isUsers
            ? `usage: rank.mjs [-h] ...\nerror: ${error.message}\n`
            : formatTraceback(error, `[rank${rank.rank}]: `),
        );
        if (error instanceof CollectiveError) await sleep(TEAR_DOWN_MS);
        rank.exit(isUsers ? 2 : 1);
      }
    }),
  );
}

await main();
