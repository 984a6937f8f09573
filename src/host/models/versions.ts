import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isTaken, nullIfMissing } from '../system-error.js';
import { ModelVersionSchema, type ModelVersion } from '../../schemas/models.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { readChanges } from './changes.js';
import { versionDir, versionOfFolder, versionsDir } from './paths.js';
import { isAbandoned } from '../shared-names.js';

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
  await makeFolder(root);
  const first = Math.max(0, ...taken, ...(await numbers(workspace, model))) + 1;
  for (let number = first; ; number += 1) {
    const version: ModelVersion = { ...facts, v: 1, version: number };
    if (await writeVersion(workspace, version)) return version;
  }
}

/** Makes the folder of a model that was just decided on again, should it have been given up at the same moment. */
export async function keepVersion(workspace: string, version: ModelVersion): Promise<void> {
  if ((await readVersion(workspace, version.model, version.version)) === null) await writeVersion(workspace, version);
}

/** False: the number has a folder. */
async function writeVersion(workspace: string, version: ModelVersion): Promise<boolean> {
  const place = versionDir(workspace, version.model, version.version);
  const prepared = join(versionsDir(workspace, version.model), `.new-${randomUUID()}`);
  await writeJsonFile(join(prepared, 'model.json'), version);
  // Relative to its final place, so that the workspace can be mounted elsewhere.
  await symlink(relative(place, join(workspace, version.export.hf)), join(prepared, 'hf'));
  return moveUnlessTaken(prepared, place);
}

/** Gives a folder its place by one rename, or removes it when another one is there: false. */
async function moveUnlessTaken(dir: string, place: string): Promise<boolean> {
  try {
    await rename(dir, place);
    return true;
  } catch (error) {
    if (!isTaken(error)) throw error;
    return false;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Gives up all but the `keep` models that were current last; never the current one. Those that no decision names are
 * left by killed or refused promotions. Answers the numbers that went. `spare` are numbers that are still needed.
 */
export async function retainVersions(
  workspace: string,
  model: string,
  { keep, spare }: { readonly keep: number; readonly spare: readonly number[] },
): Promise<number[]> {
  const changes = await readChanges(workspace, model);
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
    if (!recent.includes(version) && !(await isAbandoned(versionDir(workspace, model, version)))) continue;
    if (await removeVersion(workspace, model, version)) removed.push(version);
  }
  await sweep(workspace, model);
  return removed;
}

/**
 * Takes a version away by one rename, then removes it; the model's files stay in the store. False: it became current
 * meanwhile and stays. Whoever decides looks afterwards whether the folder is there, and whoever removes looks
 * afterwards what was decided: so one of the two sees the other, in whatever order they come.
 */
export async function removeVersion(workspace: string, model: string, version: number): Promise<boolean> {
  const going = join(versionsDir(workspace, model), `.removing-${randomUUID()}`);
  await rename(versionDir(workspace, model, version), going);
  return finishRemoval(workspace, model, going);
}

async function finishRemoval(workspace: string, model: string, going: string): Promise<boolean> {
  const current = (await readChanges(workspace, model)).at(-1)?.to;
  const version = await readJsonFile(join(going, 'model.json'), ModelVersionSchema);
  if (version !== null && version.version === current) {
    await moveUnlessTaken(going, versionDir(workspace, model, current));
    return false;
  }
  await rm(going, { recursive: true, force: true });
  return true;
}

async function sweep(workspace: string, model: string): Promise<void> {
  const root = versionsDir(workspace, model);
  for (const name of (await readdir(root).catch(nullIfMissing)) ?? []) {
    const path = join(root, name);
    if (!/^\.(new|removing)-/.test(name) || !(await isAbandoned(path))) continue;
    if (name.startsWith('.new-')) await rm(path, { recursive: true, force: true });
    else await finishRemoval(workspace, model, path);
  }
}

async function numbers(workspace: string, model: string): Promise<number[]> {
  const names = await readdir(versionsDir(workspace, model)).catch(nullIfMissing);
  return (names ?? [])
    .map(versionOfFolder)
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}
