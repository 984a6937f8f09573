import { ROOT, isMain, runProgram } from './setup/program.js';
import { join } from 'node:path';
import { setUp } from './setup.js';

/** The newcomer's way: set-up, then a run of the example from end to end. The exit status is the run's result. */
async function start() {
  await setUp(process.env);
  const { main } = await import(join(ROOT, 'dist/cli/main.js'));
  // In this process, not below it: one Ctrl-C reaches one program, which stops everything in order.
  return main(['dev', '--run', join(ROOT, 'examples/tiny.yaml'), ...process.argv.slice(2)]);
}

if (isMain(import.meta.url)) await runProgram(start);
