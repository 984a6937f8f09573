import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../system-error.js';
import { ReceiptSchema, type Receipt } from '../../schemas/receipt.js';
import type { StageName } from '../../schemas/plan.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';

const OUT = /^out-(\d+)$/;

/** Folder of one output in the store, shared by all runs: `<workspace>/store/<stage>/<key>`. */
export function entryDir(workspace: string, stage: StageName, key: string): string {
  return join(workspace, 'store', stage, key);
}

/** The receipt of an entry, or null while nothing is proven. */
export function readReceipt(workspace: string, stage: StageName, key: string): Promise<Receipt | null> {
  return readJsonFile(join(entryDir(workspace, stage, key), 'receipt.json'), ReceiptSchema);
}

/** Puts the receipt in place: the last step of a stage. */
export async function writeReceipt(workspace: string, receipt: Receipt): Promise<void> {
  await writeJsonFile(join(entryDir(workspace, receipt.stage, receipt.key), 'receipt.json'), receipt);
}

/** Makes a new output folder in an entry; the number is taken by mkdir, so two makers never share one. */
export async function makeOut(entry: string): Promise<string> {
  await makeFolder(entry);
  for (let number = (await lastOut(entry)) + 1; ; number += 1) {
    const name = `out-${String(number).padStart(4, '0')}`;
    try {
      await mkdir(join(entry, name));
      return name;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/** Removes an output folder that did not become a proven output; without effect for a claim that has none yet. */
export async function dropOut(entry: string, out: string): Promise<void> {
  // An empty name would remove the entry itself, with its receipt.
  if (OUT.test(out)) await rm(join(entry, out), { recursive: true, force: true });
}

async function lastOut(entry: string): Promise<number> {
  const numbers = (await readdir(entry)).map((name) => Number(OUT.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}
