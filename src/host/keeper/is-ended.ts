import { readExitFile, readRecordFile } from './files.js';
import { isLocked } from './lock.js';
import type { KeeperPaths } from './paths.js';

/**
 * Whether nothing of a kept command can run any more, by files and lock alone: a look from outside must not count as
 * the contact that keeps an orphan alive. A keeper that was killed may have left its command behind, so it has not ended.
 */
export async function isEnded(paths: KeeperPaths): Promise<boolean> {
  if (readExitFile(paths) !== null) return true;
  if (readRecordFile(paths) === null && !(await isLocked(paths.dir))) return true;
  return readExitFile(paths) !== null;
}
