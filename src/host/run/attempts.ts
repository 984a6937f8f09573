import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { ATTEMPT_RECORD, attemptFolder, attemptOfFolder } from '../../domain/ids.js';
import type { CheckpointContract } from '../../recipes/checkpoint-contract.js';
import { AttemptRecordSchema, type AttemptRecord } from '../../schemas/attempt.js';
import type { CheckpointReport } from '../../schemas/checkpoint.js';
import { locateCheckpoint } from '../checkpoint/locate.js';
import { verifyCheckpoint } from '../checkpoint/verify.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { hasCode } from '../system-error.js';
import { runDir } from './run-folder.js';

/** A checkpoint that may be loaded: proven complete just now. */
export interface ProvenCheckpoint {
  readonly dir: string;
  readonly iteration: number | null;
  /** Of a checkpoint that a person named; those of the training itself are known by its ledger. */
  readonly digest?: string;
}

/** Folder of an attempt. */
export function attemptDir(workspace: string, run: string, attempt: number): string {
  return join(runDir(workspace, run), 'attempts', attemptFolder(attempt));
}

/** Folder that an attempt saves its checkpoints into; no other attempt writes there. */
export function saveDir(workspace: string, run: string, attempt: number): string {
  return join(attemptDir(workspace, run, attempt), SAVES);
}

/** Name of the folder of checkpoints within an attempt's. */
export const SAVES = 'ckpt';

/**
 * Takes the next attempt number of a run by mkdir: no counter that a reset could start again. The attempt's folder
 * then holds its empty save folder `ckpt`.
 */
export async function takeAttempt(workspace: string, run: string): Promise<number> {
  const root = join(runDir(workspace, run), 'attempts');
  await makeFolder(root);
  for (let number = Math.max(0, ...(await attemptNumbers(root))) + 1; ; number += 1) {
    try {
      await mkdir(join(root, attemptFolder(number)));
      await mkdir(join(root, attemptFolder(number), SAVES));
      return number;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/** Records of a run's attempts that trained the same thing, oldest first. */
export async function attemptsOf(workspace: string, run: string, key: string): Promise<AttemptRecord[]> {
  return (await allAttempts(workspace, run)).filter((record) => record.key === key);
}

/** Records of all attempts of a run, oldest first; a number without a record was never launched. */
export async function allAttempts(workspace: string, run: string): Promise<AttemptRecord[]> {
  const root = join(runDir(workspace, run), 'attempts');
  const records: AttemptRecord[] = [];
  for (const number of (await attemptNumbers(root)).sort((a, b) => a - b)) {
    const record = await readAttempt(workspace, run, number);
    if (record !== null) records.push(record);
  }
  return records;
}

/** Builds the load view: a folder that shows exactly one checkpoint, with a tracker file that names it. */
export async function makeLoadView(
  dir: string,
  checkpoint: ProvenCheckpoint,
  contract: CheckpointContract,
): Promise<void> {
  const { iteration } = checkpoint;
  await makeFolder(dir);
  const folder = iteration === null ? contract.converted.folder : contract.iterationFolder(iteration);
  await symlink(checkpoint.dir, join(dir, folder));
  await writeTracker(dir, checkpoint, contract);
}

/** Writes the file that names the checkpoint to load beside its folder. */
export async function writeTracker(
  dir: string,
  { iteration }: ProvenCheckpoint,
  contract: CheckpointContract,
): Promise<void> {
  // It holds the bare number, without a line feed, as upstream writes it.
  await writeFile(
    join(dir, contract.layout.trackerFile),
    iteration === null ? contract.converted.tracker : String(iteration),
  );
}

/** A checkpoint that the user names: an iteration folder, or its parent with a tracker. */
export async function namedCheckpoint(
  path: string,
  contract: CheckpointContract,
): Promise<ProvenCheckpoint | { readonly refused: string }> {
  const report = await verifyCheckpoint(path, { layout: contract.layout });
  if (!report.complete) return { refused: reasonOf(report, path) };
  const { dir } = await locateCheckpoint(path, contract.layout);
  if (dir !== null && contract.layout.parseFolder(basename(dir)) !== null) return { dir, iteration: report.iteration };
  // Without the name nobody can tell trained weights from converted ones, which are loaded in other ways.
  return {
    refused: `${path}: the name of the folder does not tell its iteration; call it ${contract.iterationFolder(100)} for iteration 100`,
  };
}

/**
 * The folder of the checkpoint that a spec names, as its first attempt would start from it; null where this machine does
 * not see it. Throws for one that no attempt would take.
 */
export async function checkpointFolder(path: string, contract: CheckpointContract): Promise<string | null> {
  const isSeen = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isSeen) return null;
  const checkpoint = await namedCheckpoint(path, contract);
  if (!('refused' in checkpoint)) return checkpoint.dir;
  throw new TemperError('ProofFailed', {
    where: path,
    what: `the checkpoint to start from cannot be used: ${checkpoint.refused}`,
    fix: 'name a complete one in train.fromCheckpoint',
  });
}

function reasonOf({ problems: [first] }: CheckpointReport, dir: string): string {
  return first === undefined ? `${dir}: it is not complete` : `${first.where}: ${first.what}`;
}

/** Writes the record of an attempt; its folder then belongs to it. */
export async function writeAttempt(workspace: string, record: AttemptRecord): Promise<void> {
  await writeJsonFile(join(attemptDir(workspace, record.run, record.attempt), ATTEMPT_RECORD), record);
}

/** The record of an attempt; null when it was never launched. */
export function readAttempt(workspace: string, run: string, attempt: number): Promise<AttemptRecord | null> {
  return readJsonFile(join(attemptDir(workspace, run, attempt), ATTEMPT_RECORD), AttemptRecordSchema);
}

async function attemptNumbers(root: string): Promise<number[]> {
  const names = await readdir(root).catch(() => []);
  return names.map(attemptOfFolder).filter((number) => number !== null);
}
