import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { TemperError } from '../domain/errors.js';

/** Fact files are summaries; a larger one is not one. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads the JSON files from which a recipe makes a stage's small facts. */
export async function readFactFiles(out: string, names: readonly string[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const name of names) values.push(await readFactFile(join(out, name)));
  return values;
}

async function readFactFile(path: string): Promise<unknown> {
  const unproven = (why: string): TemperError =>
    new TemperError('ProofFailed', { where: path, what: 'a result file is not as it must be', why });
  const file = await open(path).catch(() => null);
  if (file === null) throw unproven('it was not written');
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw unproven(`it has ${size} bytes`);
    return JSON.parse(await file.readFile('utf8'));
  } catch (error) {
    throw error instanceof SyntaxError ? unproven(`it is not JSON: ${error.message}`) : error;
  } finally {
    await file.close();
  }
}
