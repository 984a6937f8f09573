import { randomUUID } from 'node:crypto';
import { link, lstat, open, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, nullIfMissing } from './system-error.js';

/** Writes a JSON file that must not be there yet; it is on the disk when this returns. */
export async function writeNewJson(path: string, value: unknown): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a JSON file whole under a name of its own, to be renamed or linked from there. Answers its path. */
export async function prepareJson(dir: string, value: unknown): Promise<string> {
  const path = join(dir, `${randomUUID()}.new`);
  await writeNewJson(path, value);
  return path;
}

/** Gives a prepared file a name that one of many writers gets; false when another one has it. Its own name goes. */
export async function takeName(prepared: string, name: string): Promise<boolean> {
  try {
    await link(prepared, name);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    // NFS may answer EEXIST to a link that it made when the first answer was lost: then the file has two names.
    return (await stat(prepared)).nlink === 2;
  } finally {
    await unlink(prepared);
  }
}

/** Whether what is prepared under a path belongs to a writer that is gone: preparing takes milliseconds. */
export async function isAbandoned(path: string, patienceMs = 10 * 60_000): Promise<boolean> {
  const info = await lstat(path).catch(nullIfMissing);
  return info !== null && Date.now() - info.mtimeMs > patienceMs;
}
