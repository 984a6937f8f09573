import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Interrupted, SetupError } from './setup-error.js';

/** Root of the checkout. */
export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/**
 * Whether a module is the program that was started.
 * @param {string} moduleUrl its import.meta.url
 */
export function isMain(moduleUrl) {
  const [, started] = process.argv;
  return started !== undefined && realpathSync(started) === realpathSync(fileURLToPath(moduleUrl));
}

/**
 * Runs a program: a SetupError becomes its text and status 1, a signal its own status, and what `main` answers the exit
 * status.
 * @param {() => Promise<number>} main
 */
export async function runProgram(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof Interrupted) process.exitCode = error.exitStatus;
    else if (error instanceof SetupError) process.exitCode = 1;
    else throw error;
    process.stderr.write(`${error instanceof Interrupted ? 'interrupted' : 'error'}: ${error.message}\n`);
  }
}
