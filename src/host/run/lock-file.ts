import { join } from 'node:path';
import { RunLockSchema, type RunLock } from '../../schemas/run-lock.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { runDir } from './run-folder.js';

/**
 * Adds resolved revisions and versions to `runs/<run>/lock.json`. Every host of a gang writes the same content, since
 * hosts that differ do not train together.
 */
export async function writeLock(workspace: string, run: string, part: Omit<RunLock, 'v'>): Promise<void> {
  const file = join(runDir(workspace, run), 'lock.json');
  const before = await readJsonFile(file, RunLockSchema);
  await writeJsonFile(file, { ...before, v: 1, ...part });
}
