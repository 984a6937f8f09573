import { join } from 'node:path';
import { newestFirst, noteRefused } from '../../domain/checkpoints/ledger.js';
import type { CheckpointContract } from '../../recipes/checkpoint-contract.js';
import { readCheckpoint } from '../checkpoint/verify.js';
import type { ProvenCheckpoint } from '../run/attempts.js';
import { runDir } from '../run/run-folder.js';
import { entryOf, prove, reasonOf, refusal, savedFolders, type SavedFolder, type Training } from './prove.js';
import { whySpoiled } from './spoiled.js';
import { changeLedger, readLedger } from './store.js';

/** The newest checkpoint that may be used, and what newer ones there are that may not. */
export interface Choice {
  readonly proven: (ProvenCheckpoint & { readonly iteration: number; readonly attempt: number }) | null;
  /** Newer ones that were refused, each with its folder and the reason. */
  readonly refused: readonly string[];
  /** Those of them that were never proven: saves that were interrupted. */
  readonly torn: readonly SavedFolder[];
}

/**
 * The newest checkpoint of these attempts that is complete now and, where it was proven before, still what it was then.
 * One that was never proven is proven now: its attempt may have died right after the save.
 */
export async function chooseCheckpoint(
  training: Training,
  attempts: readonly { readonly attempt: number }[],
  contract: CheckpointContract,
): Promise<Choice> {
  const root = runDir(training.workspace, training.run);
  const ledger = await readLedger(root);
  const refused: string[] = [];
  const torn: SavedFolder[] = [];
  for (const folder of await candidates(training, attempts, contract)) {
    const entry = entryOf(ledger, training, folder.dir);
    // Retention gave it up; its files may be half gone.
    if (entry !== null && entry.removedAt !== null) continue;
    const spoiled = await whySpoiled(training, folder);
    if (spoiled !== null) {
      refused.push(`${folder.dir}: ${spoiled}`);
      continue;
    }
    const report =
      entry === null
        ? await prove(training, folder, contract)
        : (await readCheckpoint(folder.dir, { layout: contract.layout, seal: entry.seal })).report;
    if (entry !== null) {
      const why = report.complete ? null : reasonOf(report.problems);
      await changeLedger(root, (now) => noteRefused(now, entry.dir, why));
    }
    if (report.complete) return { proven: folder, refused, torn };
    refused.push(refusal(folder.dir, report));
    if (entry === null) torn.push(folder);
  }
  return { proven: null, refused, torn };
}

/** Folders on disk and proven ones that vanished, newest first. */
async function candidates(
  training: Training,
  attempts: readonly { readonly attempt: number }[],
  contract: CheckpointContract,
): Promise<SavedFolder[]> {
  const root = runDir(training.workspace, training.run);
  const present: SavedFolder[] = [];
  for (const { attempt } of attempts) present.push(...(await savedFolders(training, attempt, contract)));
  const dirs = new Set(present.map(({ dir }) => dir));
  const { checkpoints } = await readLedger(root);
  const gone = checkpoints
    .filter((entry) => entry.key === training.key && entry.removedAt === null)
    .map(({ attempt, iteration, dir }) => ({ attempt, iteration, dir: join(root, dir) }))
    .filter(({ dir }) => !dirs.has(dir));
  return [...present, ...gone].sort(newestFirst);
}
