import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './system-error.js';

/**
 * Makes a folder with all above it; one that is there stays. Level by level, each tried at most twice: the recursive
 * mkdir of Node 20 never ends where the kernel answers ENOENT under a folder that is there, as /proc does.
 * @param mode of the last folder, where it is made
 * @throws the error of the operating system
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  if (await isMade(path, mode)) return;
  await makeFolder(dirname(path));
  if (await isMade(path, mode)) return;
  await mkdir(path, mode);
}

/** Whether the folder is there now; false where the one above it is missing. */
async function isMade(path: string, mode?: number): Promise<boolean> {
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT') && dirname(path) !== path) return false;
    // Of a folder that is there, a read-only file system may say that first.
    if (await isFolder(path)) return true;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
