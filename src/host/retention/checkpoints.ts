import { join, relative } from 'node:path';
import { giveUpSurplus } from '../../domain/checkpoints/ledger.js';
import type { Collected } from '../../schemas/retention.js';
import { neededCheckpoints, retain } from '../ledger/retain.js';
import { spoiledCheckpoints } from '../ledger/spoiled.js';
import { readLedger } from '../ledger/store.js';
import { runDir } from '../run/run-folder.js';
import { measure } from './measure.js';

/** Checkpoints of ended runs beyond the newest `keep` of each training, once the outputs `going` are gone; changes nothing. */
export async function surplusCheckpoints(
  workspace: string,
  runs: readonly string[],
  keep: number | null,
  going: ReadonlySet<string>,
): Promise<Collected[]> {
  if (keep === null) return [];
  const found: Collected[] = [];
  for (const run of runs) {
    const before = await readLedger(runDir(workspace, run));
    const needed = await neededCheckpoints(workspace, run, before, going);
    const spoiled = await spoiledCheckpoints({ workspace, run }, before);
    const at = new Date().toISOString();
    let after = before;
    for (const key of new Set(before.checkpoints.map((entry) => entry.key)))
      after = giveUpSurplus(after, { key, keep, needed, spoiled, at });
    for (const { dir, removedAt } of after.checkpoints) {
      const path = join(runDir(workspace, run), dir);
      // Also those whose removal was interrupted.
      const { bytes, touchedMs } = removedAt === null ? { bytes: 0, touchedMs: 0 } : await measure(path);
      if (touchedMs > 0) found.push(item(relative(workspace, path), bytes, keep));
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
