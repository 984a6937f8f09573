import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelChangeSchema, type ModelChange } from '../../schemas/models.js';
import { readJsonFile } from '../json-file.js';
import { systemErrorCode } from '../keeper/errors.js';
import { nullIfMissing } from '../null-if-missing.js';
import { modelDir } from './paths.js';

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
  await mkdir(dir, { recursive: true });
  const prepared = join(dir, `${randomUUID()}.new`);
  const file = await open(prepared, 'wx', 0o644);
  try {
    await file.writeFile(`${JSON.stringify(change, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(prepared, changeFile(dir, change.number));
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    // NFS may answer EEXIST to a link that it made when the first answer was lost: then the file has two names.
    return (await stat(prepared)).nlink === 2;
  } finally {
    await unlink(prepared);
  }
}

/** Removes what killed deciders left; a decision takes milliseconds. */
export async function sweepChanges(workspace: string, model: string): Promise<void> {
  const dir = changesDir(workspace, model);
  for (const name of (await readdir(dir).catch(nullIfMissing)) ?? []) {
    if (!name.endsWith('.new')) continue;
    const info = await stat(join(dir, name)).catch(nullIfMissing);
    if (info !== null && Date.now() - info.mtimeMs > STALE_MS) await unlink(join(dir, name)).catch(nullIfMissing);
  }
}

const STALE_MS = 10 * 60_000;

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
