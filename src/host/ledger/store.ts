import { readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerSchema, type Ledger } from '../../schemas/ledger.js';
import { readJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { nullIfMissing } from '../system-error.js';
import { isAbandoned, prepareJson, takeName } from '../shared-names.js';

/**
 * The ledger of a run: `checkpoints.json`, changed by compare and swap. A lock would have to be taken from a writer that
 * was killed, and nobody can prove across hosts that it is dead; so there is none. A change is written beside the ledger
 * and linked to the name of the next revision: `link` gives that name to one of many writers, and the others begin
 * again from what it wrote. A writer that is killed at any point leaves the old ledger or the new one.
 */
export async function readLedger(runDir: string): Promise<Ledger> {
  for (;;) {
    const published = await readJsonFile(join(runDir, LEDGER), LedgerSchema);
    const newest = (await revisions(runDir)).at(-1) ?? 0;
    if (newest <= (published?.revision ?? 0)) return published ?? EMPTY;
    const ledger = await readJsonFile(revisionFile(runDir, newest), LedgerSchema);
    // Null: a newer one took its place between the two looks.
    if (ledger !== null) return ledger;
  }
}

/**
 * Changes the ledger. `change` may be called several times, always with what the ledger holds then, which may be its own
 * change already: so it must be idempotent. Answering the same object leaves the ledger as it is. Answers the ledger
 * that stands now.
 */
export async function changeLedger(runDir: string, change: (ledger: Ledger) => Ledger): Promise<Ledger> {
  await makeFolder(join(runDir, REVISIONS));
  for (;;) {
    const before = await readLedger(runDir);
    const changed = change(before);
    if (changed === before) return before;
    const after = { ...changed, revision: before.revision + 1 };
    if (!(await takeRevision(runDir, after))) continue;
    await publish(runDir);
    return after;
  }
}

const LEDGER = 'checkpoints.json';

/** Folder of revisions that are not in `checkpoints.json` yet, and of files that are being written. */
const REVISIONS = '.ledger';

const EMPTY: Ledger = { v: 1, revision: 0, checkpoints: [], inUse: null };

/** Takes the next revision for this content; false when another writer was first. */
async function takeRevision(runDir: string, ledger: Ledger): Promise<boolean> {
  const file = revisionFile(runDir, ledger.revision);
  if (!(await takeName(await prepareJson(join(runDir, REVISIONS), ledger), file))) return false;
  // The name of a swept revision is free again, but the newest is never swept: so a writer that was asleep since then
  // sees one. It also sees one that another writer built on its own change, which it then only makes again.
  if ((await revisions(runDir)).every((revision) => revision <= ledger.revision)) return true;
  await unlink(file).catch(nullIfMissing);
  return false;
}

/** Puts the newest revision into `checkpoints.json`, whoever took it, until no newer one has appeared meanwhile. */
async function publish(runDir: string): Promise<void> {
  for (;;) {
    const ledger = await readLedger(runDir);
    await rename(await prepareJson(join(runDir, REVISIONS), ledger), join(runDir, LEDGER));
    const pending = await revisions(runDir);
    if (pending.every((revision) => revision <= ledger.revision)) break;
  }
  await sweep(runDir);
}

/** Removes revisions older than the published one and what killed writers left. */
async function sweep(runDir: string): Promise<void> {
  const published = (await readJsonFile(join(runDir, LEDGER), LedgerSchema))?.revision ?? 0;
  for (const name of await readdir(join(runDir, REVISIONS))) {
    const path = join(runDir, REVISIONS, name);
    const revision = revisionOf(name);
    const isOld = revision === null ? await isAbandoned(path) : revision < published;
    if (isOld) await unlink(path).catch(nullIfMissing);
  }
}

/** Revisions that have a file of their own, oldest first. */
async function revisions(runDir: string): Promise<number[]> {
  const names = (await readdir(join(runDir, REVISIONS)).catch(nullIfMissing)) ?? [];
  return names
    .map(revisionOf)
    .filter((revision) => revision !== null)
    .sort((a, b) => a - b);
}

function revisionFile(runDir: string, revision: number): string {
  return join(runDir, REVISIONS, `${revision}.json`);
}

function revisionOf(name: string): number | null {
  const digits = /^(\d{1,15})\.json$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}
