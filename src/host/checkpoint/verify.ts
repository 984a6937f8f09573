import type { CheckpointReport } from '../../schemas/checkpoint.js';
import type { CheckpointSeal } from '../../schemas/ledger.js';
import type { FileProblem } from '../../schemas/model-files.js';
import { join } from 'node:path';
import { NotRegularError } from '../open-regular.js';
import { findContradictions } from './consistency.js';
import { DcpMetadataError, type DcpMetadata } from './dcp-metadata.js';
import { readDcpMetadata } from './dcp-read.js';
import { describeUntold, findMixedGenerations, tellIteration } from './generation.js';
import { checkItems } from './items.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { isNotThere, listFolder, locateCheckpoint, METADATA_FILE } from './locate.js';
import { checkpointProblem, unreadableProblem } from './problems.js';
import { findBrokenSeals } from './seal.js';
import { checkShards } from './shards.js';
import { someNames } from '../../domain/text/some-names.js';

/** How to check a checkpoint. */
export interface VerifyOptions {
  /** Names that the training code gives to folders, files and entries. */
  readonly layout: CheckpointLayout;
  /** Reads every stored item and compares it with its checksum; otherwise headers of some of each shard are looked at. */
  readonly isDeep?: boolean;
  /** What it was when it was proven, where that is known: then swaps and damage inside equal sizes are found too. */
  readonly seal?: CheckpointSeal | null;
}

/** A report and the metadata behind it, for those who go on with a checkpoint; null where there is none to read. */
export interface ReadCheckpoint {
  readonly report: CheckpointReport;
  readonly dir: string | null;
  readonly metadata: DcpMetadata | null;
}

/**
 * Decides whether a checkpoint can be loaded, without torch and without running anything in it. `path` is a
 * checkpoint folder or the folder that holds several and a tracker.
 *
 * Damage and missing rights are an answer, never an exception; only a mount that may come back throws.
 *
 * What nothing contradicts is not noticed without a seal: the name of a pickled entry that has no dots, such as
 * `checkpoint_version`, when its one text is damaged; an element type that becomes another one of equal size.
 */
export async function verifyCheckpoint(path: string, options: VerifyOptions): Promise<CheckpointReport> {
  return (await readCheckpoint(path, options)).report;
}

/** The same, with what was read on the way. */
export async function readCheckpoint(path: string, options: VerifyOptions): Promise<ReadCheckpoint> {
  const located = await locateCheckpoint(path, options.layout);
  const { dir } = located;
  if (dir === null) {
    return { report: { ...report(null, null, [], options), problems: located.problems }, dir, metadata: null };
  }
  const metadata = await readMetadata(dir);
  if ('problem' in metadata) {
    const refused = report(null, located.iteration, [], options);
    return {
      report: { ...refused, problems: [metadata.problem], warnings: located.warnings },
      dir,
      metadata: null,
    };
  }
  const shards = await checkShards(dir, metadata.value, options.layout);
  const problems = [
    ...describeNothing(dir, metadata.value, options),
    ...describeContradictions(dir, metadata.value),
    ...shards.problems,
  ];
  const warnings: FileProblem[] = [];
  const told =
    located.isNamed || problems.length > 0 ? located : await tellIteration(dir, metadata.value, options.layout);
  if (told.iteration === undefined)
    warnings.push(checkpointProblem('iteration-unknown', dir, 'neither its name nor its content tells an iteration'));
  const iteration = told.iteration ?? null;
  // What looks into shards needs shards that are as the metadata says.
  if (problems.length === 0) {
    const generations = await findMixedGenerations(dir, iteration, metadata.value, options);
    problems.push(...generations.problems);
    warnings.push(...generations.warnings);
    if (options.seal) problems.push(...(await findBrokenSeals(dir, options.seal)));
  }
  const untold = options.seal ? [] : describeUntold(dir, iteration, metadata.value, options.layout);
  const isRead = problems.length === 0 && options.isDeep === true;
  const items = problems.length === 0 ? await checkItems(dir, metadata.value, isRead) : null;
  problems.push(...(items?.problems ?? []));
  const complete = problems.length === 0;
  const content = {
    isSealed: complete && Boolean(options.seal),
    isRead,
    records: items?.records ?? 0,
    unsummed: items?.unsummed ?? 0,
  };
  const judged = {
    ...report(metadata.value, iteration, shards.ranks, options),
    complete,
    content,
    problems,
    warnings: [
      ...located.warnings,
      ...shards.warnings.flatMap((warning) => inLightOf(content, warning)),
      ...warnings,
      ...untold,
      ...describeForeign(dir, metadata.value),
    ],
  };
  return { report: judged, dir, metadata: metadata.value };
}

type Content = NonNullable<CheckpointReport['content']>;

/** A time says nothing more about a shard that is as it was proven, and little about one that is as it was saved. */
function inLightOf({ isSealed, isRead }: Content, warning: FileProblem): readonly FileProblem[] {
  if (warning.id !== 'shard-newer') return [warning];
  if (isSealed) return [];
  if (!isRead) return [warning];
  return [{ ...warning, fix: 'look at who wrote it: its content was read, but another save would be sound as well' }];
}

/** The facts about a checkpoint, not yet judged. */
function report(
  metadata: DcpMetadata | null,
  iteration: number | null,
  ranks: readonly number[],
  { layout }: VerifyOptions,
): CheckpointReport {
  const shards = [...(metadata?.storage.values() ?? [])];
  const names = [...(metadata?.tensors.keys() ?? []), ...(metadata?.bytesEntries ?? [])];
  return {
    v: 1,
    complete: false,
    iteration,
    worldSize: ranks.reduce((most, rank) => Math.max(most, rank + 1), 0),
    tensors: metadata?.tensors.size ?? 0,
    bytes: shards.reduce((sum, shard) => sum + shard.maxEnd, 0),
    hasOptimizer: layout.storedState(names).moments,
    problems: [],
    warnings: [],
  };
}

async function readMetadata(dir: string): Promise<{ value: DcpMetadata } | { problem: FileProblem }> {
  const file = join(dir, METADATA_FILE);
  try {
    return { value: await readDcpMetadata(file) };
  } catch (error) {
    if (error instanceof DcpMetadataError || error instanceof NotRegularError)
      return { problem: checkpointProblem('metadata-damaged', file, error.message) };
    if (isNotThere(error)) return { problem: await missingMetadata(dir) };
    const unreadable = unreadableProblem('metadata-unreadable', file, error);
    if (unreadable === null) throw error;
    return { problem: unreadable };
  }
}

/** A save that its ranks did not bring together has a file of each. */
async function missingMetadata(dir: string): Promise<FileProblem> {
  const ofRanks = (await listFolder(dir).catch(() => null))?.filter((name) => /^__\d+\.metadata$/.test(name)) ?? [];
  const what = 'it has no .metadata';
  if (ofRanks.length === 0) return checkpointProblem('metadata-missing', dir, what);
  return {
    ...checkpointProblem('metadata-missing', dir, `${what}, only that of ${ofRanks.length} single ranks`),
    why: 'it was saved with use_collectives=False, and the training code loads what all ranks committed together',
    fix: 'load it with torch and save it again, or use another checkpoint',
  };
}

/** Metadata without model tensors contradicts nothing, and a load of it would change nothing. */
function describeNothing(
  dir: string,
  { tensors, bytesEntries }: DcpMetadata,
  { layout }: VerifyOptions,
): readonly FileProblem[] {
  if (layout.storedState(tensors.keys()).weights) return [];
  const pickled =
    bytesEntries.size === 0 ? '' : `, only ${bytesEntries.size} pickled entries (a save without flattening)`;
  const what =
    tensors.size === 0 ? `it lists no tensors${pickled}` : `none of its ${tensors.size} tensors is of the model`;
  return [checkpointProblem('nothing-stored', join(dir, METADATA_FILE), what)];
}

/** More sentences than this add nothing: the first ones already refuse the checkpoint. */
const MAX_CONTRADICTIONS = 10;

function describeContradictions(dir: string, metadata: DcpMetadata): readonly FileProblem[] {
  const all = findContradictions(metadata);
  const shown = all.slice(0, MAX_CONTRADICTIONS);
  if (all.length > shown.length) shown.push(`${all.length - shown.length} more contradictions`);
  return shown.map((what) => checkpointProblem('metadata-inconsistent', join(dir, METADATA_FILE), what));
}

function describeForeign(dir: string, metadata: DcpMetadata): readonly FileProblem[] {
  const names = metadata.foreignGlobals;
  if (names.length === 0) return [];
  return [checkpointProblem('foreign-globals', join(dir, METADATA_FILE), `it names ${someNames(names, 5)}`)];
}
