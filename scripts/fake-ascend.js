import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isMain, ROOT, runProgram } from './setup/program.js';
import { SetupError } from './setup/setup-error.js';
import { setUp } from './setup.js';

const USAGE = `npm run fake-ascend -- [FOLDER] [--hosts N] [--npus N] [--run]

  FOLDER       where the fleet is made, or served again (.temper/fake-ascend)
  --hosts N    hosts of a new fleet (8)
  --npus N     devices of each (16)
  --run        run its spec to the end, and stop
`;

/**
 * `npm run fake-ascend [-- FOLDER] [--hosts N] [--npus N] [--run]`: the GLM-4.5V recipe without a device. Makes a fleet
 * of programs in a folder (test/support/ascend) and serves it with `temper dev` until Ctrl-C; with --run it runs the
 * spec there to its end. An existing folder is served again as it is.
 */
async function fakeAscend() {
  const { values, positionals } = readWords();
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [hosts, npusPerHost] = ['hosts', 'npus'].map((name) => wholeNumber(name, values[name]));
  await setUp(process.env);
  const { makeFleet, openFleet } = await import('../test/support/ascend/make-fleet.mjs');
  const folder = resolve(positionals[0] ?? join(ROOT, '.temper/fake-ascend'));
  const fleet = existsSync(join(folder, 'glm.yaml'))
    ? openFleet(folder)
    : await makeFleet(folder, { hosts, npusPerHost });
  const home = join(folder, 'home');
  Object.assign(process.env, fleet.env, { TEMPER_HOME: home });
  const spec = relative(process.cwd(), fleet.specFile);
  process.stdout.write(
    values.run
      ? `fleet of ${fleet.hosts} hosts in ${folder}\n`
      : `fleet of ${fleet.hosts} hosts in ${folder}; in another terminal:\n` +
          `  export TEMPER_HOME=${home}\n  npx temper plan ${spec}\n  npx temper start ${spec} --watch\n` +
          `what goes wrong on its hosts: ${relative(process.cwd(), fleet.faultsFile)} (test/support/ascend/README.md)\n`,
  );
  const { main } = await import(join(ROOT, 'dist/cli/main.js'));
  // In this process, not below it: one Ctrl-C reaches one program, which stops everything in order.
  return main([
    ...['dev', '--hosts', String(fleet.hosts), '--train-address', fleet.address],
    ...(values.run ? ['--run', fleet.specFile] : []),
  ]);
}

function readWords() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        hosts: { type: 'string', default: '8' },
        npus: { type: 'string', default: '16' },
        run: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new SetupError({ what: error.message, fix: USAGE });
  }
}

function wholeNumber(name, text) {
  if (!/^[1-9]\d{0,2}$/.test(text))
    throw new SetupError({ what: `--${name} ${text} is no number of them`, fix: 'write a whole number from 1 to 999' });
  return Number(text);
}

if (isMain(import.meta.url)) await runProgram(fakeAscend);
