import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import type { FileProblem } from '../../schemas/model-files.js';
import type { Collected } from '../../schemas/retention.js';
import { LocalCopySchema, type LocalCopy } from '../../schemas/local-copy.js';
import { findBrokenSeals } from '../checkpoint/seal.js';
import { readJsonFile } from '../json-file.js';
import { nullIfMissing } from '../system-error.js';

/** Record beside a copy; it stands there only when every file was compared with its original. */
export const COPY_RECORD = 'copy.json';

/** Folder of a host for the copy of the checkpoint whose content has this digest; ranks can load from it. */
export function localCopyDir(scratch: string, digest: string): string {
  return join(copiesRoot(scratch), digest.slice(0, 16));
}

/** The record of a copy, or null when there is none that was finished. */
export async function readLocalCopy(dir: string): Promise<LocalCopy | null> {
  try {
    return await readJsonFile(join(dir, COPY_RECORD), LocalCopySchema);
  } catch (error) {
    // A damaged record proves nothing: the copy is made again.
    if (error instanceof TemperError && error.problem.code === 'WorkspaceUnusable') return null;
    throw error;
  }
}

/** What of a copy is not as its original was; empty when it can be used. */
export async function findCopyDamage(dir: string, { folder, seal }: LocalCopy): Promise<readonly FileProblem[]> {
  return findBrokenSeals(join(dir, folder), seal);
}

/** Removes the copies that no training on this host uses any more, and what was left of interrupted ones. */
export async function removeLocalCopies(scratch: string, keep: string | null): Promise<readonly string[]> {
  const root = copiesRoot(scratch);
  const names = await readdir(root).catch(() => []);
  const removed = names.map((name) => join(root, name)).filter((path) => keep === null || !path.startsWith(keep));
  for (const path of removed) await rm(path, { recursive: true, force: true });
  return removed;
}

/**
 * Removes the copies of weights that retention took out of a workspace, or tells which go with the outputs `going`. What
 * an open run needs is never taken out, so no training loads what goes here.
 */
export async function collectLocalCopies(
  scratch: string,
  {
    workspace,
    going,
    isDryRun,
  }: { readonly workspace: string; readonly going: readonly string[]; readonly isDryRun: boolean },
): Promise<readonly Collected[]> {
  const store = join(workspace, 'store');
  // A workspace that this host does not see tells nothing.
  if (await isAbsent(store)) return [];
  const items: Collected[] = [];
  for (const name of await readdir(copiesRoot(scratch)).catch(() => [])) {
    const dir = join(copiesRoot(scratch), name);
    const copy = await readLocalCopy(dir);
    if (copy?.source.startsWith(`${store}/`) !== true) continue;
    const goes = going.some((output) => copy.source.startsWith(`${join(workspace, output)}/`));
    if (!goes && !(await isAbsent(copy.source))) continue;
    if (!isDryRun) await rm(dir, { recursive: true, force: true });
    items.push({ kind: 'copy', name: relative(scratch, dir), bytes: copy.bytes, why: 'the weights that it copies go' });
  }
  return items;
}

function copiesRoot(scratch: string): string {
  return join(scratch, 'weights');
}

async function isAbsent(path: string): Promise<boolean> {
  return (await stat(path).catch(nullIfMissing)) === null;
}
