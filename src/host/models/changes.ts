import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import { ModelChangeSchema, type ModelChange } from '../../schemas/models.js';
import { readJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { modelDir } from './paths.js';
import { isAbandoned, prepareJson, takeName } from '../shared-names.js';

/** All decisions about a model, oldest first. */
export async function readChanges(workspace: string, model: string): Promise<ModelChange[]> {
  const dir = changesDir(workspace, model);
  const names = (await readdir(dir).catch(nullIfMissing)) ?? [];
  const numbers = names.map(numberOf).filter((number) => number !== null);
  const changes: ModelChange[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const change = await readJsonFile(changeFile(dir, number), ModelChangeSchema);
    if (change !== null) changes.push(change);
  }
  return changes;
}

/**
 * Makes a decision under its number. `link` gives the number to one of several deciders, and the file appears whole.
 * False: another decision has that number, so this one was made from what is no longer so.
 */
export async function decide(workspace: string, change: ModelChange): Promise<boolean> {
  const dir = changesDir(workspace, change.model);
  await makeFolder(dir);
  return takeName(await prepareJson(dir, change), changeFile(dir, change.number));
}

/** Removes what killed deciders left. */
export async function sweepChanges(workspace: string, model: string): Promise<void> {
  const dir = changesDir(workspace, model);
  for (const name of (await readdir(dir).catch(nullIfMissing)) ?? []) {
    const path = join(dir, name);
    if (name.endsWith('.new') && (await isAbandoned(path))) await unlink(path).catch(nullIfMissing);
  }
}

function changesDir(workspace: string, model: string): string {
  return join(modelDir(workspace, model), 'changes');
}

function changeFile(dir: string, number: number): string {
  return join(dir, `${String(number).padStart(6, '0')}.json`);
}

function numberOf(name: string): number | null {
  const digits = /^(\d{6,15})\.json$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}
