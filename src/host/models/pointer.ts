import { randomUUID } from 'node:crypto';
import { readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import writeFileAtomic from 'write-file-atomic';
import type { ModelChange } from '../../schemas/models.js';
import { makeFolder } from '../make-folder.js';
import { readChanges, sweepChanges } from './changes.js';
import { modelDir, versionFolder, versionOfFolder } from './paths.js';
import { isAbandoned } from '../shared-names.js';

/** Link that shows the current model; `current/hf` is the folder that a server of the model reads. */
const CURRENT = 'current';
const HISTORY = 'history.jsonl';
const FRESH = /^\.current\..+\.new$/;

/** Number of the model that `current` shows now, or null. */
export async function readPointer(workspace: string, model: string): Promise<number | null> {
  const target = await readlink(join(modelDir(workspace, model), CURRENT)).catch(nullIfMissing);
  return target === null ? null : versionOfFolder(basename(target));
}

/**
 * Carries out the newest decision, whoever made it: points `current` at its model by one rename and writes the
 * history anew from the decisions. A decider that was killed leaves this to the next reader. Answers the decisions.
 */
export async function settle(workspace: string, model: string): Promise<ModelChange[]> {
  for (;;) {
    const changes = await readChanges(workspace, model);
    const last = changes.at(-1);
    if (last === undefined) return [];
    if ((await readPointer(workspace, model)) !== last.to) await point(workspace, model, last.to);
    await writeHistory(workspace, model, changes);
    // A decision that came meanwhile must not stay behind the pointer of this one.
    const newest = (await readChanges(workspace, model)).at(-1);
    if (newest?.number !== last.number || (await readPointer(workspace, model)) !== last.to) continue;
    await sweep(workspace, model);
    return changes;
  }
}

async function point(workspace: string, model: string, version: number): Promise<void> {
  const dir = modelDir(workspace, model);
  const fresh = join(dir, `.current.${randomUUID()}.new`);
  await symlink(join('versions', versionFolder(version)), fresh);
  await rename(fresh, join(dir, CURRENT));
}

async function writeHistory(workspace: string, model: string, changes: readonly ModelChange[]): Promise<void> {
  const file = join(modelDir(workspace, model), HISTORY);
  const text = changes.map((change) => `${JSON.stringify(change)}\n`).join('');
  if ((await readFile(file, 'utf8').catch(nullIfMissing)) === text) return;
  await makeFolder(modelDir(workspace, model));
  await writeFileAtomic(file, text, { mode: 0o644 });
}

/** Removes what killed writers left beside the pointer. */
async function sweep(workspace: string, model: string): Promise<void> {
  const dir = modelDir(workspace, model);
  await sweepChanges(workspace, model);
  for (const name of await readdir(dir)) {
    const isLeft = FRESH.test(name) || name.startsWith(`${HISTORY}.`);
    if (isLeft && (await isAbandoned(join(dir, name)))) await rm(join(dir, name), { force: true });
  }
}
