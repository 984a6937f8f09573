import { writeSync } from 'node:fs';
import { errorText } from '../../domain/text/error-text.js';
import { LOOK_ARGUMENT, serveLooks } from './look.js';
import { runKeeper } from './run.js';

// The keeper program: `node keeper.mjs <keeper folder>`. Bundled into one file; stderr is the keeper's log. The same
// file is the looker of a keeper, see `looker.ts`: `node keeper.mjs --look-at-fence <fence file> <attempt>`.

const STDERR = 2;
const log = (text: string): void => {
  writeSync(STDERR, `${new Date().toISOString()} ${text}\n`);
};

const [, , dir, file = '', attempt] = process.argv;
if (dir === LOOK_ARGUMENT) {
  serveLooks(file, Number(attempt));
} else if (dir === undefined) {
  log('usage: keeper.mjs <keeper folder>');
  process.exitCode = 2;
} else {
  try {
    await runKeeper(dir, log);
    // Timers and sockets of clients must not keep it: the end is on disk. Nothing of this process can hang, because it
    // never touches the workspace itself.
    process.exit(0);
  } catch (error) {
    // Before the command was started this says why; later, a client finds the loss and sweeps.
    log(`keeper of ${dir} gives up: ${errorText(error)}`);
    process.exit(1);
  }
}
