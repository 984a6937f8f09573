import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.js';
import { isTaken, nullIfMissing } from '../system-error.js';
import { measure } from './measure.js';

/** A folder that was moved out of the way and is not removed yet. */
export interface Trashed {
  /** Where it was: `runs/NAME` or `store/STAGE/KEY`. */
  readonly origin: string;
  readonly path: string;
  readonly bytes: number;
}

const TRASH = '.trash';
/** What bears this name is being removed: it may be half gone, so it never goes back. */
const GONE = 'gone~';

/** Moves a folder of the workspace into the trash by one rename. One that is gone already is nothing to do. */
export async function moveToTrash(workspace: string, origin: string): Promise<void> {
  const root = join(workspace, TRASH);
  await makeFolder(root);
  await rename(join(workspace, origin), join(root, `${origin.replaceAll('/', '~')}~${randomUUID()}`)).catch(
    nullIfMissing,
  );
}

/** All that lies in the trash and is whole. */
export async function listTrash(workspace: string): Promise<Trashed[]> {
  const root = join(workspace, TRASH);
  const trashed: Trashed[] = [];
  for (const name of await readdir(root).catch(() => [])) {
    if (name.startsWith(GONE)) continue;
    const path = join(root, name);
    trashed.push({ origin: name.split('~').slice(0, -1).join('/'), path, bytes: (await measure(path)).bytes });
  }
  return trashed;
}

/** Moves a folder back to where it was; false when something else stands there by now. */
export async function restore(workspace: string, { origin, path }: Trashed): Promise<boolean> {
  try {
    await rename(path, join(workspace, origin));
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
}

/** Removes a folder of the trash for good. */
export async function remove(workspace: string, { path }: Trashed): Promise<void> {
  const gone = join(workspace, TRASH, `${GONE}${randomUUID()}`);
  await rename(path, gone).catch(nullIfMissing);
  await rm(gone, { recursive: true, force: true, maxRetries: 3 });
}

/** Ends what a killed removal began. Answers the bytes. */
export async function removeGone(workspace: string): Promise<number> {
  const root = join(workspace, TRASH);
  let bytes = 0;
  for (const name of await readdir(root).catch(() => [])) {
    if (!name.startsWith(GONE)) continue;
    bytes += (await measure(join(root, name))).bytes;
    await rm(join(root, name), { recursive: true, force: true, maxRetries: 3 });
  }
  return bytes;
}
