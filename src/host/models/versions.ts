import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ModelVersionSchema, type ModelChange, type ModelVersion } from '../../schemas/models.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { versionDir, versionFolder, versionOfFolder, versionsDir } from './paths.js';

/** The promoted models of a name that are still there, oldest first. */
export async function listVersions(workspace: string, model: string): Promise<ModelVersion[]> {
  const versions: ModelVersion[] = [];
  for (const version of await numbers(workspace, model)) {
    const found = await readVersion(workspace, model, version);
    if (found !== null) versions.push(found);
  }
  return versions;
}

/** One promoted model, or null when it was given up. */
export function readVersion(workspace: string, model: string, version: number): Promise<ModelVersion | null> {
  return readJsonFile(join(versionDir(workspace, model, version), 'model.json'), ModelVersionSchema);
}

/** Folder with the files of a promoted model, for servers and for trainings that start from it. */
export function versionModel(workspace: string, model: string, version: number): string {
  return join(versionDir(workspace, model, version), 'hf');
}

/**
 * Gives a run's model a number and a folder, whole by one rename; a model that has one keeps it. `taken` are numbers
 * that decisions name: those of models that were given up are never used again.
 */
export async function makeVersion(
  workspace: string,
  facts: Omit<ModelVersion, 'v' | 'version'>,
  taken: readonly number[],
): Promise<ModelVersion> {
  const { model, run } = facts;
  const existing = await listVersions(workspace, model);
  const same = existing.find((one) => one.run === run && one.export.key === facts.export.key);
  if (same !== undefined) return same;
  const root = versionsDir(workspace, model);
  await mkdir(root, { recursive: true });
  const first = Math.max(0, ...taken, ...(await numbers(workspace, model))) + 1;
  for (let number = first; ; number += 1) {
    const prepared = join(root, `.new-${randomUUID()}`);
    const version: ModelVersion = { ...facts, v: 1, version: number };
    await writeJsonFile(join(prepared, 'model.json'), version);
    // Relative to its final place, so that the workspace can be mounted elsewhere.
    const target = relative(join(root, versionFolder(number)), join(workspace, facts.export.hf));
    await symlink(target, join(prepared, 'hf'));
    try {
      await rename(prepared, join(root, versionFolder(number)));
      return version;
    } catch (error) {
      await rm(prepared, { recursive: true, force: true });
      if (!isTaken(error)) throw error;
    }
  }
}

/**
 * Gives up all but the `keep` models that were current last; never the current one. Those that no decision names are
 * left by killed or refused promotions. Answers the numbers that went. `spare` are numbers that are still needed.
 */
export async function retainVersions(
  workspace: string,
  model: string,
  {
    changes,
    keep,
    spare,
  }: { readonly changes: readonly ModelChange[]; readonly keep: number; readonly spare: readonly number[] },
): Promise<number[]> {
  const current = changes.at(-1)?.to;
  const recent = [...new Set(changes.map(({ to }) => to).reverse())];
  const there = await numbers(workspace, model);
  const kept = new Set([
    ...recent.filter((version) => there.includes(version)).slice(0, Math.max(1, keep)),
    ...spare,
    ...(current === undefined ? [] : [current]),
  ]);
  const removed: number[] = [];
  for (const version of there) {
    if (kept.has(version)) continue;
    if (!recent.includes(version) && !(await isStale(versionDir(workspace, model, version)))) continue;
    await removeVersion(workspace, model, version);
    removed.push(version);
  }
  await sweep(versionsDir(workspace, model));
  return removed;
}

/** Takes a version away by one rename, then removes it; the model's files stay in the store. */
export async function removeVersion(workspace: string, model: string, version: number): Promise<void> {
  const root = versionsDir(workspace, model);
  const going = join(root, `.removing-${randomUUID()}`);
  await rename(join(root, versionFolder(version)), going);
  await rm(going, { recursive: true, force: true });
}

/** Making or removing a version takes milliseconds. */
const STALE_MS = 10 * 60_000;

async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    if (!/^\.(new|removing)-/.test(name) || !(await isStale(join(root, name)))) continue;
    await rm(join(root, name), { recursive: true, force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  const info = await lstat(path).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs > STALE_MS;
}

async function numbers(workspace: string, model: string): Promise<number[]> {
  const names = await readdir(versionsDir(workspace, model)).catch(() => []);
  return names
    .map(versionOfFolder)
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}
