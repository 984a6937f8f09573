import { basename, join, relative } from 'node:path';
import { isUsable, noteProven } from '../../domain/checkpoints/ledger.js';
import type { CheckpointContract } from '../../recipes/checkpoint-contract.js';
import type { CheckpointReport } from '../../schemas/checkpoint.js';
import type { Ledger, LedgerEntry } from '../../schemas/ledger.js';
import { listFolder } from '../checkpoint/locate.js';
import { sealCheckpoint } from '../checkpoint/seal.js';
import { readCheckpoint } from '../checkpoint/verify.js';
import { saveDir } from '../run/attempts.js';
import { runDir } from '../run/run-folder.js';
import { changeLedger, readLedger } from './store.js';

/** A training of a run: its attempts continue each other. */
export interface Training {
  readonly workspace: string;
  readonly run: string;
  /** Store key of the training. */
  readonly key: string;
}

/** A folder that an attempt saved a checkpoint into, whole or not. */
export interface SavedFolder {
  readonly attempt: number;
  readonly iteration: number;
  /** Absolute. */
  readonly dir: string;
}

/** What became of the saves of an attempt. */
export interface Proofs {
  /** Newest iteration of the attempt that is proven; null when none is. */
  readonly newest: number | null;
  /** Saves that were refused, each with its folder and the reason. */
  readonly refused: readonly string[];
}

/**
 * Proves what an attempt has saved, while it trains: call it when the log says that iteration `upTo` was saved. Every
 * save up to there is verified, sealed and noted in the ledger; those in the ledger already cost nothing. Newer folders
 * are being written and are not looked at.
 */
export async function proveSaved(
  training: Training,
  { attempt, upTo }: { readonly attempt: number; readonly upTo: number },
  contract: CheckpointContract,
): Promise<Proofs> {
  const ledger = await readLedger(runDir(training.workspace, training.run));
  const saved = (await savedFolders(training, attempt, contract)).filter(({ iteration }) => iteration <= upTo);
  const refused: string[] = [];
  let newest: number | null = null;
  for (const folder of saved.toSorted((a, b) => a.iteration - b.iteration)) {
    const entry = entryOf(ledger, training, folder.dir);
    const report = entry === null ? await prove(training, folder, contract) : null;
    if (report !== null && !report.complete) refused.push(refusal(folder.dir, report));
    else if (entry === null || isUsable(entry)) newest = folder.iteration;
  }
  return { newest, refused };
}

/**
 * Proves what attempts that have ended left unproven, because their supervisor died or was away; then retention counts
 * it. What was interrupted is not told: nobody asks for it here.
 */
export async function proveRest(
  training: Training,
  ended: readonly { readonly attempt: number }[],
  contract: CheckpointContract,
): Promise<void> {
  for (const { attempt } of ended) await proveSaved(training, { attempt, upTo: Number.POSITIVE_INFINITY }, contract);
}

/** Looks at a checkpoint and, when it is complete, seals it and notes it in the ledger. */
export async function prove(
  training: Training,
  { attempt, iteration, dir }: SavedFolder,
  { layout }: CheckpointContract,
): Promise<CheckpointReport> {
  const { report, metadata } = await readCheckpoint(dir, { layout });
  if (!report.complete || metadata === null) return report;
  const root = runDir(training.workspace, training.run);
  const entry: LedgerEntry = {
    key: training.key,
    attempt,
    iteration,
    dir: relative(root, dir),
    provenAt: new Date().toISOString(),
    worldSize: report.worldSize,
    bytes: report.bytes,
    stored: layout.storedState([...metadata.tensors.keys(), ...metadata.bytesEntries]),
    seal: await sealCheckpoint(dir, [...metadata.storage.keys()]),
    refused: null,
    removedAt: null,
  };
  await changeLedger(root, (ledger) => noteProven(ledger, entry));
  return report;
}

/** Folders of an attempt that are named as checkpoints of an iteration. */
export async function savedFolders(
  { workspace, run }: Pick<Training, 'workspace' | 'run'>,
  attempt: number,
  { layout }: CheckpointContract,
): Promise<SavedFolder[]> {
  const root = saveDir(workspace, run, attempt);
  const names = (await listFolder(root)) ?? [];
  return names.flatMap((name) => {
    const iteration = layout.parseFolder(name)?.iteration ?? null;
    return iteration === null ? [] : [{ attempt, iteration, dir: join(root, name) }];
  });
}

/** Entry of a checkpoint folder (absolute), or null when it was never proven. */
export function entryOf(
  ledger: Ledger,
  { workspace, run }: Pick<Training, 'workspace' | 'run'>,
  dir: string,
): LedgerEntry | null {
  const name = relative(runDir(workspace, run), dir);
  return ledger.checkpoints.find((entry) => entry.dir === name) ?? null;
}

/** Why a checkpoint is not used, with its folder. */
export function refusal(dir: string, { problems }: CheckpointReport): string {
  return `${dir}: ${reasonOf(problems)}`;
}

/** The first of the problems that refuse a checkpoint, with the file that it is in. */
export function reasonOf(problems: CheckpointReport['problems']): string {
  const [first] = problems;
  if (first === undefined) return 'it is not complete';
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return `${first.id} in ${basename(first.where)}: ${first.what}${more}`;
}
