import { join, relative } from 'node:path';
import { newestFirst } from '../../domain/checkpoints/ledger.js';
import type { CheckpointContract } from '../../recipes/checkpoint-contract.js';
import type { ListedCheckpoint } from '../../schemas/host-call.js';
import type { Ledger, LedgerEntry } from '../../schemas/ledger.js';
import { verifyCheckpoint } from '../checkpoint/verify.js';
import { runDir } from '../run/run-folder.js';
import { whySpoiled } from './spoiled.js';
import { entryOf, reasonOf, savedFolders, type SavedFolder } from './prove.js';

interface Run {
  readonly workspace: string;
  readonly run: string;
}

/** Removed checkpoints are history; the answer to a call stays small. */
const MOST_REMOVED = 100;

/** Looks at all checkpoints of some attempts, those in the ledger and those that only lie there; changes nothing. */
export async function listCheckpoints(
  run: Run,
  attempts: readonly { readonly attempt: number }[],
  ledger: Ledger,
  contract: CheckpointContract,
): Promise<ListedCheckpoint[]> {
  const unproven: ListedCheckpoint[] = [];
  for (const { attempt } of attempts) {
    for (const folder of await savedFolders(run, attempt, contract)) {
      if (entryOf(ledger, run, folder.dir) === null) unproven.push(await lookAtUnproven(run, folder, contract));
    }
  }
  const known: ListedCheckpoint[] = [];
  for (const entry of ledger.checkpoints) known.push(await lookAtEntry(run, entry, ledger, contract));
  const present = [...known.filter(({ state }) => state !== 'removed'), ...unproven].sort(newestFirst);
  const removed = known.filter(({ state }) => state === 'removed').sort(newestFirst);
  return [...present, ...removed.slice(0, MOST_REMOVED)];
}

async function lookAtEntry(
  run: Run,
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
  const { complete, problems } = await verifyCheckpoint(join(runDir(run.workspace, run.run), dir), { layout, seal });
  const why = complete ? await whySpoiled(run, entry) : reasonOf(problems);
  return { ...facts, state: why === null ? 'proven' : 'refused', why };
}

async function lookAtUnproven(
  run: Run,
  folder: SavedFolder,
  { layout }: CheckpointContract,
): Promise<ListedCheckpoint> {
  const { iteration, attempt, dir } = folder;
  const { complete, problems, bytes, worldSize, hasOptimizer } = await verifyCheckpoint(dir, { layout });
  return {
    iteration,
    attempt,
    dir: relative(runDir(run.workspace, run.run), dir),
    state: 'unproven',
    isInUse: false,
    why: complete ? ((await whySpoiled(run, folder)) ?? 'complete, but not sealed yet') : reasonOf(problems),
    bytes,
    worldSize,
    hasOptimizer,
    provenAt: null,
  };
}
