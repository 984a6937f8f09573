import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, isMain, runProgram } from './setup/program.js';

/**
 * `npm run test:faults [-- --seed S] [-- --only ROW,ROW]`: every fault, on the simulated trainer and on the real one.
 * `npm run test:soak -- --faults N [--seed S]`: one long simulated training that is disturbed N times.
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit status
 */
async function testFaults(args) {
  const text = /** @type {const} */ ({ type: 'string' });
  const { values } = parseArgs({
    args: [...args],
    options: { seed: text, only: text, faults: text, soak: { type: 'boolean' } },
  });
  const seed = values.seed ?? '';
  if (!/^\d*$/.test(seed)) throw new RangeError(`--seed ${seed} is no whole number from 0 up`);
  const faults = values.faults ?? '10';
  if (!/^[1-9]\d*$/.test(faults)) throw new RangeError(`--faults ${faults} is no whole number from 1 up`);
  const files =
    values.soak === true ? ['test/faults/soak.test.ts'] : ['test/faults/matrix.test.ts', 'test/faults/tiny.test.ts'];
  const env = {
    ...process.env,
    TEMPER_FAULTS_SEED: seed,
    ...(values.soak === true
      ? { TEMPER_SOAK_FAULTS: faults }
      : { TEMPER_FAULTS: 'all', TEMPER_FAULTS_ONLY: values.only ?? '' }),
  };
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--no-file-parallelism', ...files], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  });
  return status ?? 1;
}

if (isMain(import.meta.url)) await runProgram(() => testFaults(process.argv.slice(2)));
