import { join } from 'node:path';
import { RunLockSchema, type RunLock } from '../../schemas/run-lock.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { runDir } from './run-folder.js';

/**
 * Adds resolved revisions and versions to `runs/<run>/lock.json`. Every host of a gang writes the same content, since
 * hosts that differ do not train together.
 */
export async function writeLock(workspace: string, run: string, part: Omit<RunLock, 'v'>): Promise<void> {
  await writeJsonFile(lockFile(workspace, run), { ...(await readLock(workspace, run)), v: 1, ...part });
}

/** Revisions and versions that a run worked with; null before anything was resolved. */
export function readLock(workspace: string, run: string): Promise<RunLock | null> {
  return readJsonFile(lockFile(workspace, run), RunLockSchema);
}

function lockFile(workspace: string, run: string): string {
  return join(runDir(workspace, run), 'lock.json');
}
