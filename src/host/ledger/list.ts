import { join, relative } from 'node:path';
import { newestFirst } from '../../domain/ledger.js';
import type { CheckpointContract } from '../../recipes/recipe.js';
import type { ListedCheckpoint } from '../../schemas/host-call.js';
import type { Ledger, LedgerEntry } from '../../schemas/ledger.js';
import { verifyCheckpoint } from '../checkpoint/verify.js';
import { runDir } from '../run/run-folder.js';
import { entryOf, reasonOf, savedFolders, type SavedFolder } from './prove.js';

/** Removed checkpoints are history; the answer to a call stays small. */
const MOST_REMOVED = 100;

/** Looks at all checkpoints of some attempts, those in the ledger and those that only lie there; changes nothing. */
export async function listCheckpoints(
  run: { readonly workspace: string; readonly run: string },
  attempts: readonly { readonly attempt: number }[],
  ledger: Ledger,
  contract: CheckpointContract,
): Promise<ListedCheckpoint[]> {
  const root = runDir(run.workspace, run.run);
  const unproven: ListedCheckpoint[] = [];
  for (const { attempt } of attempts) {
    for (const folder of await savedFolders(run, attempt, contract)) {
      if (entryOf(ledger, run, folder.dir) === null) unproven.push(await lookAtUnproven(root, folder, contract));
    }
  }
  const known: ListedCheckpoint[] = [];
  for (const entry of ledger.checkpoints) known.push(await lookAtEntry(root, entry, ledger, contract));
  const present = [...known.filter(({ state }) => state !== 'removed'), ...unproven].sort(newestFirst);
  const removed = known.filter(({ state }) => state === 'removed').sort(newestFirst);
  return [...present, ...removed.slice(0, MOST_REMOVED)];
}

async function lookAtEntry(
  root: string,
  entry: LedgerEntry,
  ledger: Ledger,
  { layout }: CheckpointContract,
): Promise<ListedCheckpoint> {
  const { iteration, attempt, dir, bytes, worldSize, stored, provenAt, seal, removedAt } = entry;
  const facts = {
    iteration,
    attempt,
    dir,
    bytes,
    worldSize,
    hasOptimizer: stored.moments,
    provenAt,
    isInUse: ledger.inUse?.dir === dir,
  };
  if (removedAt !== null) return { ...facts, state: 'removed', why: null };
  const { complete, problems } = await verifyCheckpoint(join(root, dir), { layout, seal });
  return complete ? { ...facts, state: 'proven', why: null } : { ...facts, state: 'refused', why: reasonOf(problems) };
}

async function lookAtUnproven(
  root: string,
  { iteration, attempt, dir }: SavedFolder,
  { layout }: CheckpointContract,
): Promise<ListedCheckpoint> {
  const { complete, problems, bytes, worldSize, hasOptimizer } = await verifyCheckpoint(dir, { layout });
  return {
    iteration,
    attempt,
    dir: relative(root, dir),
    state: 'unproven',
    isInUse: false,
    why: complete ? 'complete, but not sealed yet' : reasonOf(problems),
    bytes,
    worldSize,
    hasOptimizer,
    provenAt: null,
  };
}
