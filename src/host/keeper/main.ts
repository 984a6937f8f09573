import { writeSync } from 'node:fs';
import { errorText } from './errors.js';
import { runKeeper } from './run.js';

// The keeper program: `node keeper.mjs <keeper folder>`. Bundled into one file; stderr is the keeper's log.

const STDERR = 2;
const log = (text: string): void => {
  writeSync(STDERR, `${new Date().toISOString()} ${text}\n`);
};

const dir = process.argv[2];
if (dir === undefined) {
  log('usage: keeper.mjs <keeper folder>');
  process.exitCode = 2;
} else {
  try {
    await runKeeper(dir, log);
    // Timers and sockets of clients must not keep it: the end is on disk.
    process.exit(0);
  } catch (error) {
    // Before the command was started this says why; later, a client finds the loss and sweeps.
    log(`keeper of ${dir} gives up: ${errorText(error)}`);
    process.exit(1);
  }
}
