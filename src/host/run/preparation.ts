import { join } from 'node:path';
import type { AttemptRecord } from '../../schemas/attempt.js';
import { PreparationSchema } from '../../schemas/preparation.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { attemptDir } from './attempts.js';

const FILE = 'preparation.json';

/** Notes in a host's folder of an attempt how long its ranks took to prepare the rows. */
export async function writePreparation(dir: string, rows: number, ms: number): Promise<void> {
  await writeJsonFile(join(dir, FILE), { v: 1, rows, ms });
}

/**
 * Rows that one host prepares in a second, from the slowest of some attempts: later ones find rows in their caches, and
 * a host that is new to the gang has none. Null where none was long enough for a clock of whole seconds.
 */
export async function slowestPreparation(
  workspace: string,
  run: string,
  attempts: readonly AttemptRecord[],
): Promise<number | null> {
  const speeds: number[] = [];
  for (const { attempt, hosts } of attempts) {
    for (const host of hosts) {
      const found = await readJsonFile(join(attemptDir(workspace, run, attempt), host, FILE), PreparationSchema);
      if (found !== null && found.ms >= LEAST_MS) speeds.push(found.rows / (found.ms / 1_000));
    }
  }
  return speeds.length === 0 ? null : Math.min(...speeds);
}

/** The log tells whole seconds, so that a shorter time is known to a tenth at best. */
const LEAST_MS = 10_000;
