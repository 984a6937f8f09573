import { join, relative } from 'node:path';
import { isUsable } from '../../domain/ledger.js';
import type { Collected } from '../../schemas/retention.js';
import { retain } from '../ledger/retain.js';
import { readLedger } from '../ledger/store.js';
import { runDir } from '../run/run-folder.js';
import { measure } from './survey.js';

/** Checkpoints of ended runs beyond the newest `keep` of each training, as far as the ledgers tell; changes nothing. */
export async function surplusCheckpoints(
  workspace: string,
  runs: readonly string[],
  keep: number | null,
): Promise<Collected[]> {
  if (keep === null) return [];
  const found: Collected[] = [];
  for (const run of runs) {
    const { checkpoints, inUse } = await readLedger(runDir(workspace, run));
    for (const key of new Set(checkpoints.map((entry) => entry.key))) {
      const usable = checkpoints.filter((entry) => entry.key === key && isUsable(entry));
      const surplus = usable.sort((a, b) => b.iteration - a.iteration || b.attempt - a.attempt).slice(keep);
      for (const { dir } of surplus.filter((entry) => entry.dir !== inUse?.dir)) {
        const path = join(runDir(workspace, run), dir);
        found.push(item(relative(workspace, path), (await measure(path)).bytes, keep));
      }
    }
  }
  return found;
}

/** Removes them: never the newest, one in use by any run, or one that a receipt names. */
export async function retainCheckpoints(
  workspace: string,
  runs: readonly string[],
  keep: number | null,
): Promise<Collected[]> {
  if (keep === null) return [];
  const removed: Collected[] = [];
  for (const run of runs) {
    const root = runDir(workspace, run);
    const { checkpoints } = await readLedger(root);
    const sizes = new Map<string, number>();
    for (const { dir } of checkpoints) sizes.set(join(root, dir), (await measure(join(root, dir))).bytes);
    for (const key of new Set(checkpoints.map((entry) => entry.key))) {
      for (const dir of await retain({ workspace, run, key }, keep))
        removed.push(item(relative(workspace, dir), sizes.get(dir) ?? 0, keep));
    }
  }
  return removed;
}

function item(name: string, bytes: number, keep: number): Collected {
  return { kind: 'checkpoint', name, bytes, why: `${keep} newer checkpoints of the training are kept` };
}
