import { join, relative } from 'node:path';
import { giveUpSurplus } from '../../domain/checkpoints/ledger.js';
import type { Collected, RetentionPolicy } from '../../schemas/retention.js';
import { neededCheckpoints, retain } from '../ledger/retain.js';
import { spoiledCheckpoints } from '../ledger/spoiled.js';
import { readLedger } from '../ledger/store.js';
import { runDir } from '../run/run-folder.js';
import { measure } from './measure.js';

/** Limits of checkpoints one after another, each with the reason that is told. */
interface Limit {
  readonly keep: number;
  readonly provenBefore?: string;
  readonly why: string;
}

function limitsOf({ keepCheckpoints: keep, checkpointsOlderThanMs: age }: RetentionPolicy): Limit[] {
  return [
    ...(keep === null ? [] : [{ keep, why: `${keep} newer checkpoints of the training are kept` }]),
    ...(age === undefined
      ? []
      : [
          {
            keep: Number.POSITIVE_INFINITY,
            provenBefore: new Date(Date.now() - age).toISOString(),
            why: 'it was proven longer ago than the limit',
          },
        ]),
  ];
}

/** Checkpoints of ended runs that a limit means, once the outputs `going` are gone; changes nothing. */
export async function surplusCheckpoints(
  workspace: string,
  runs: readonly string[],
  policy: RetentionPolicy,
  going: ReadonlySet<string>,
): Promise<Collected[]> {
  const limits = limitsOf(policy);
  if (limits.length === 0) return [];
  const found: Collected[] = [];
  for (const run of runs) {
    const before = await readLedger(runDir(workspace, run));
    const needed = await neededCheckpoints(workspace, run, before, going);
    const spoiled = await spoiledCheckpoints({ workspace, run }, before);
    const at = new Date().toISOString();
    const keys = new Set(before.checkpoints.map((entry) => entry.key));
    // Also those whose removal was interrupted, which the first limit tells.
    const told = new Set<string>();
    let after = before;
    for (const { why, ...limit } of limits) {
      for (const key of keys) after = giveUpSurplus(after, { key, ...limit, needed, spoiled, at });
      for (const { dir, removedAt } of after.checkpoints) {
        if (removedAt === null || told.has(dir)) continue;
        told.add(dir);
        const path = join(runDir(workspace, run), dir);
        const { bytes, touchedMs } = await measure(path);
        if (touchedMs > 0) found.push(item(relative(workspace, path), bytes, why));
      }
    }
  }
  return found;
}

/** Removes them: never the newest, one in use by any run, or one that a receipt names. */
export async function retainCheckpoints(
  workspace: string,
  runs: readonly string[],
  policy: RetentionPolicy,
): Promise<Collected[]> {
  const limits = limitsOf(policy);
  if (limits.length === 0) return [];
  const removed: Collected[] = [];
  for (const run of runs) {
    const root = runDir(workspace, run);
    const { checkpoints } = await readLedger(root);
    const sizes = new Map<string, number>();
    for (const { dir } of checkpoints) sizes.set(join(root, dir), (await measure(join(root, dir))).bytes);
    for (const { keep, provenBefore, why } of limits) {
      for (const key of new Set(checkpoints.map((entry) => entry.key))) {
        for (const dir of await retain({ workspace, run, key }, keep, provenBefore))
          removed.push(item(relative(workspace, dir), sizes.get(dir) ?? 0, why));
      }
    }
  }
  return removed;
}

function item(name: string, bytes: number, why: string): Collected {
  return { kind: 'checkpoint', name, bytes, why };
}
