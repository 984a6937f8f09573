import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hasCode, isTaken } from '../system-error.js';
import { attemptOfFolder } from '../../domain/ids.js';
import { giveUpSurplus } from '../../domain/checkpoints/ledger.js';
import { ReceiptSchema } from '../../schemas/receipt.js';
import { listFolder } from '../checkpoint/locate.js';
import { readJsonFile } from '../json-file.js';
import { SAVES } from '../run/attempts.js';
import { runDir } from '../run/run-folder.js';
import { pathsNamedBy } from '../run/specs-naming.js';
import type { Ledger } from '../../schemas/ledger.js';
import { makeFolder } from '../make-folder.js';
import type { SavedFolder, Training } from './prove.js';
import { spoiledCheckpoints } from './spoiled.js';
import { changeLedger, readLedger } from './store.js';

/**
 * Removes the proven checkpoints of a training beyond the newest `keep`, over all attempts, and those that were proven
 * before a date. Never the newest, never the
 * one that an attempt of any run starts from, never one that a receipt references. Answers what was removed.
 *
 * The ledger gives a checkpoint up before its files go, so a kill at any point leaves no half checkpoint that counts;
 * the next call goes on with it.
 */
export async function retain(
  { workspace, run, key }: Training,
  keep: number,
  provenBefore?: string,
): Promise<string[]> {
  const root = runDir(workspace, run);
  const limits = { key, keep, ...(provenBefore === undefined ? {} : { provenBefore }), at: new Date().toISOString() };
  let ledger = await readLedger(root);
  // Who needs what is read from many files, and only when there is something to remove.
  if (giveUpSurplus(ledger, { ...limits, needed: NONE, spoiled: NONE }) !== ledger) {
    const needed = await neededCheckpoints(workspace, run, ledger);
    const spoiled = await spoiledCheckpoints({ workspace, run }, ledger);
    ledger = await changeLedger(root, (now) => giveUpSurplus(now, { ...limits, needed, spoiled }));
  }
  const removed: string[] = [];
  const given = new Set(
    ledger.checkpoints.filter(({ removedAt }) => removedAt !== null).map(({ dir }) => join(root, dir)),
  );
  for (const attempt of await attemptDirs(root)) {
    for (const dir of await foldersOf(join(attempt, SAVES))) {
      if (!given.has(dir)) continue;
      await moveInto(dir, join(attempt, REMOVING));
      removed.push(dir);
    }
    await rm(join(attempt, REMOVING), { recursive: true, force: true, maxRetries: 3 });
  }
  return removed;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Checkpoints of a run that something outside of its ledger needs, relative to its folder: receipts name them, attempts
 * of other runs start from them, or specs of other runs name them, whose first attempt may be waiting for hosts.
 * `going` are outputs, as `train/KEY`, whose receipts do not count because they are about to be removed.
 */
export async function neededCheckpoints(
  workspace: string,
  run: string,
  { checkpoints }: Ledger,
  going: ReadonlySet<string> = new Set(),
): Promise<ReadonlySet<string>> {
  const root = runDir(workspace, run);
  const needed = [...(await referenced(workspace, going)), ...(await usedElsewhere(workspace, run))];
  const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
  return new Set(
    checkpoints
      .map(({ dir }) => dir)
      .filter((dir) => needed.some((path) => isWithin(path, join(root, dir)) || isWithin(join(root, dir), path))),
  );
}

/**
 * Moves interrupted saves of dead attempts out of the way, into `incomplete/` of their attempt: nothing loads them
 * by accident, and nothing is lost. `before` is the newest attempt: older ones are dead, its own saves may be going on.
 * Answers where they are now, by their old folder.
 */
export async function setAside(torn: readonly SavedFolder[], before: number): Promise<ReadonlyMap<string, string>> {
  const moved = new Map<string, string>();
  for (const { attempt, dir } of torn) {
    if (attempt < before) moved.set(dir, await moveInto(dir, join(dirname(dirname(dir)), INCOMPLETE)));
  }
  return moved;
}

/** Folders of an attempt beside its checkpoints: interrupted saves, and what is being deleted. */
const INCOMPLETE = 'incomplete';
const REMOVING = 'removing';

/** Moves a folder by one rename, under the first free name; a folder that is gone already stays gone. */
async function moveInto(dir: string, target: string): Promise<string> {
  await makeFolder(target);
  for (let number = 1; ; number += 1) {
    const place = join(target, number === 1 ? basename(dir) : `${basename(dir)}.${number}`);
    try {
      await rename(dir, place);
      return place;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return place;
      // A rename replaces an empty folder only.
      if (!isTaken(error)) throw error;
    }
  }
}

/** Checkpoints that receipts of trainings name, absolute. */
async function referenced(workspace: string, going: ReadonlySet<string>): Promise<string[]> {
  const dirs: string[] = [];
  for (const entry of await foldersOf(join(workspace, 'store', 'train'))) {
    if (going.has(`train/${basename(entry)}`)) continue;
    const receipt = await readJsonFile(join(entry, 'receipt.json'), ReceiptSchema);
    if (receipt !== null)
      dirs.push(...[receipt.dir, ...Object.values(receipt.outputs)].map((path) => resolve(workspace, path)));
  }
  return dirs;
}

/** Paths that other runs start from, by their attempts and by their specs (`train.fromCheckpoint`). */
async function usedElsewhere(workspace: string, run: string): Promise<string[]> {
  const dirs: string[] = [];
  for (const other of await foldersOf(join(workspace, 'runs'))) {
    if (basename(other) === run) continue;
    const { inUse } = await readLedger(other);
    dirs.push(
      ...(inUse === null ? [] : [resolve(other, inUse.dir)]),
      ...(await pathsNamedBy(workspace, basename(other))),
    );
  }
  // Every spec names its workspace, which is no checkpoint.
  const root = runDir(workspace, run);
  return dirs.filter((path) => path === root || path.startsWith(`${root}/`));
}

async function attemptDirs(root: string): Promise<string[]> {
  return (await foldersOf(join(root, 'attempts'))).filter((dir) => attemptOfFolder(basename(dir)) !== null);
}

async function foldersOf(dir: string): Promise<string[]> {
  if ((await listFolder(dir)) === null) return [];
  const entries = await readdir(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name));
}
