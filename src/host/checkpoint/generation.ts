import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { elementBytes } from './dcp-dtypes.js';
import type { DcpItem, DcpMetadata } from './dcp-metadata.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { spread } from './items.js';
import { METADATA_FILE } from './locate.js';
import { PickleError } from './pickle/cursor.js';
import { unpickle } from './pickle/unpickle.js';
import { checkpointProblem, unreadableProblem } from './problems.js';
import { readZipDirectory, readZipRecord, TorchZipError } from './torch-zip.js';

/** What the parts of a checkpoint say about the save that they are of. */
export interface Generations {
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

/**
 * Looks for parts of different saves in one folder. Saves of one run have equal sizes, so what tells them apart is
 * what they say about themselves: the folder that the metadata was written for, the stored iteration, and the step
 * counters of the optimizer, which are spread over the ranks; without `isDeep` some of each shard.
 */
export async function findMixedGenerations(
  dir: string,
  iteration: number | null,
  metadata: DcpMetadata,
  { layout, isDeep = false }: { readonly layout: CheckpointLayout; readonly isDeep?: boolean },
): Promise<Generations> {
  const problems: FileProblem[] = [];
  const savedFor = metadata.savedIn === null ? null : layout.parseFolder(metadata.savedIn);
  if (iteration !== null && savedFor !== null && savedFor.iteration !== iteration) {
    const what = `it was written for ${metadata.savedIn}, not for iteration ${iteration}`;
    problems.push(checkpointProblem('generation-mixed', join(dir, METADATA_FILE), what));
  }
  const readings = await mapBounded([...metadata.storage], SHARDS_IN_FLIGHT, ([file, { items }]) => {
    const steps = items.filter(({ fqn }) => layout.isStepCounter(fqn));
    const iterations = items.filter(({ fqn }) => fqn === layout.iterationEntry);
    return readCounters(join(dir, file), metadata, [
      ...iterations,
      ...(isDeep ? steps : spread(steps, STEPS_PER_SHARD)),
    ]);
  });
  const counters = readings.flatMap((reading) => reading.counters);
  const stored = counters.filter(({ fqn }) => fqn === layout.iterationEntry);
  for (const { file, fqn, value } of stored) {
    if (iteration !== null && value !== iteration)
      problems.push(checkpointProblem('generation-mixed', file, `it holds ${fqn} ${value}, not ${iteration}`));
  }
  const steps = counters.filter(({ fqn }) => layout.isStepCounter(fqn));
  const judged = judgeSteps(steps, iteration ?? stored[0]?.value ?? null);
  // Those that were left out may be what a shard has in common with the others.
  if (judged.problems.length > 0 && !isDeep)
    return findMixedGenerations(dir, iteration, metadata, { layout, isDeep: true });
  const told = new Set(stored.map(({ file }) => file));
  const behind = findBehind(
    steps.filter(({ file }) => !told.has(file)),
    iteration,
  );
  return {
    problems: [...problems, ...readings.flatMap((reading) => reading.problems), ...judged.problems],
    warnings: [...judged.warnings, ...behind],
  };
}

/**
 * The iteration of a folder that somebody renamed: what the save stored of it, else the folder that it was written for.
 * `iteration` undefined: neither says it.
 */
export async function tellIteration(
  dir: string,
  metadata: DcpMetadata,
  layout: CheckpointLayout,
): Promise<{ readonly iteration: number | null | undefined }> {
  const { savedIn, storage } = metadata;
  for (const [file, { items }] of storage) {
    const entries = items.filter(({ fqn }) => fqn === layout.iterationEntry);
    const [counter] = (await readCounters(join(dir, file), metadata, entries)).counters;
    if (counter !== undefined && Number.isSafeInteger(counter.value)) return { iteration: counter.value };
  }
  return { iteration: savedIn === null ? undefined : layout.parseFolder(savedIn)?.iteration };
}

/**
 * What cannot be told: of weights alone torch writes no sign of the save into a shard (names, times and identifiers
 * within it follow from the content), so only a seal tells shards of equal size apart. Nothing to say about converted
 * weights, which are written once.
 */
export function describeUntold(
  dir: string,
  iteration: number | null,
  metadata: DcpMetadata,
  layout: CheckpointLayout,
): readonly FileProblem[] {
  const shards = [...metadata.storage.values()];
  const untold = shards.filter(
    ({ items }) => !items.some(({ fqn }) => fqn === layout.iterationEntry || layout.isStepCounter(fqn)),
  );
  if (iteration === null || shards.length < 2 || untold.length === 0) return [];
  const what = `${untold.length} of ${shards.length} shards hold nothing that tells which save they are of`;
  return [checkpointProblem('generation-untold', dir, what)];
}

/** Node works on four file requests at once. */
const SHARDS_IN_FLIGHT = 4;

/** Each costs five small reads; they are spread over the shards, so there are seldom more. */
const STEPS_PER_SHARD = 32;

interface Counter {
  readonly file: string;
  readonly fqn: string;
  readonly value: number;
}

interface Reading {
  readonly counters: readonly Counter[];
  readonly problems: readonly FileProblem[];
}

async function readCounters(path: string, { tensors }: DcpMetadata, items: readonly DcpItem[]): Promise<Reading> {
  if (items.length === 0) return { counters: [], problems: [] };
  const file = await open(path, 'r');
  const counters: Counter[] = [];
  try {
    for (const item of items) {
      const records = await readZipDirectory(file, item.offset, item.length);
      const suffix = item.chunkOffsets === null ? '/data.pkl' : '/data/0';
      const record = records.find(({ name, sizeBytes }) => name.endsWith(suffix) && sizeBytes <= MAX_COUNTER_BYTES);
      const content = record && (await readZipRecord(file, item.offset, record));
      const value =
        content &&
        (item.chunkOffsets === null
          ? readPickledNumber(content)
          : readElement(content, tensors.get(item.fqn)?.dtype ?? ''));
      if (value !== undefined) counters.push({ file: path, fqn: item.fqn, value });
    }
  } catch (error) {
    const isDamage = error instanceof TorchZipError || error instanceof PickleError;
    const found = isDamage
      ? checkpointProblem('item-damaged', path, error.message)
      : unreadableProblem('shard-unreadable', path, error);
    if (found === null) throw error;
    return { counters: [], problems: [found] };
  } finally {
    await file.close();
  }
  return { counters, problems: [] };
}

/** A pickled number takes a dozen bytes. */
const MAX_COUNTER_BYTES = 1024;

function readPickledNumber(content: Buffer): number | undefined {
  const { value } = unpickle(content);
  return typeof value === 'number' ? value : undefined;
}

/** A tensor of one element; undefined for more, and for element types that nobody counts in. */
function readElement(content: Buffer, dtype: string): number | undefined {
  if (content.length !== elementBytes(dtype)) return undefined;
  return READERS[dtype]?.(content);
}

/** Adam counts its steps in float32; others in what their parameters are of. */
const READERS: Readonly<Record<string, (content: Buffer) => number>> = {
  F64: (content) => content.readDoubleLE(),
  F32: (content) => content.readFloatLE(),
  // The upper half of a float32.
  BF16: (content) => Buffer.concat([Buffer.alloc(2), content]).readFloatLE(),
  I64: (content) => Number(content.readBigInt64LE()),
  I32: (content) => content.readInt32LE(),
  I16: (content) => content.readInt16LE(),
};

/** Shards that only tell of fewer steps than the iteration, which may be those of an older save. */
function findBehind(steps: readonly Counter[], iteration: number | null): readonly FileProblem[] {
  const files = [...new Set(steps.map(({ file }) => file))];
  return files.flatMap((file) => {
    const most = Math.max(...steps.filter((step) => step.file === file).map(({ value }) => value));
    if (iteration === null || most >= iteration) return [];
    const what = `its optimizer has counted ${most} steps, the iteration is ${iteration}`;
    return [checkpointProblem('steps-behind', file, what)];
  });
}

/**
 * Steps of one save may differ: a parameter without gradient in a step does not count it. None can be above the
 * iteration, though, and a shard that shares no number with the others, in any of its counters, is of another save.
 */
export function judgeSteps(steps: readonly Counter[], iteration: number | null): Generations {
  const [first] = steps;
  const other = steps.find(({ value }) => value !== first?.value);
  const tooMany = iteration === null ? undefined : steps.find(({ value }) => value > iteration);
  const mixed = (file: string, what: string): Generations => ({
    problems: [checkpointProblem('generation-mixed', file, what)],
    warnings: [],
  });
  if (tooMany !== undefined)
    return mixed(tooMany.file, `${tooMany.fqn} is ${tooMany.value}, more than the iterations (${iteration})`);
  if (first === undefined || other === undefined) return { problems: [], warnings: [] };
  const what = `${other.fqn} is ${other.value}, ${first.fqn} in ${first.file} is ${first.value}`;
  const alien = findAlien(steps);
  if (alien !== null) return mixed(alien, what);
  return { problems: [], warnings: [checkpointProblem('steps-differ', other.file, what)] };
}

/**
 * A shard with no step in common with the one that got furthest, by way of any other: what lags does so in several
 * shards, or beside what does not.
 */
function findAlien(steps: readonly Counter[]): string | null {
  const known = new Set([Math.max(...steps.map(({ value }) => value))]);
  let rest = steps;
  for (;;) {
    const joined = new Set(rest.filter(({ value }) => known.has(value)).map(({ file }) => file));
    if (joined.size === 0) break;
    for (const { file, value } of rest) if (joined.has(file)) known.add(value);
    rest = rest.filter(({ file }) => !joined.has(file));
  }
  return rest[0]?.file ?? null;
}
