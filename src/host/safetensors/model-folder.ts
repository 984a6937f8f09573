import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from './header.js';
import { isObject, parseJsonObject } from './json-object.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { countNames, modelProblem } from './problems.js';

/** A tensor of a model folder: how it is stored, in which file, and where that file's data starts. */
export interface ModelTensor extends StoredTensor {
  readonly shard: string;
  readonly dataStart: number;
}

/** A model folder as its headers describe it; without problems every tensor can be loaded from exactly one place. */
export interface ModelFolder {
  readonly dir: string;
  readonly tensors: ReadonlyMap<string, ModelTensor>;
  /** File names of the shards, in the order of their names. */
  readonly shards: readonly string[];
  /** Bytes of tensor data, headers not counted. */
  readonly totalBytes: number;
  readonly problems: readonly FileProblem[];
}

/**
 * Reads the headers of a folder in Hugging Face layout: `model.safetensors.index.json` and its shards, or a single
 * `model.safetensors`. Reads no tensor data. Damage is told as problems.
 */
export async function readModelFolder(dir: string): Promise<ModelFolder> {
  const index = await readIndex(dir);
  const shards = [...new Set(index.weightMap.values())].toSorted();
  const headers = await mapBounded(shards, HEADERS_IN_FLIGHT, (shard) => readSafetensorsHeader(join(dir, shard)));
  const { tensors, problems } = collectTensors(dir, shards, headers);
  let totalBytes = 0;
  for (const { offsets } of tensors.values()) totalBytes += offsets[1] - offsets[0];
  return {
    dir,
    tensors,
    shards,
    totalBytes,
    problems: [
      ...index.problems,
      ...problems,
      ...(index.isSingle ? checkSingle(dir, problems, tensors) : checkIndex(dir, index.weightMap, tensors)),
      ...checkTotal(dir, index.totalSize, totalBytes),
      ...(await findStrays(dir, shards)),
    ],
  };
}

const INDEX_FILE = 'model.safetensors.index.json';
const SINGLE_FILE = 'model.safetensors';
const GONE = 'there is no such folder';

/** Node works on four file requests at once; a few more hide the latency of network file systems. */
const HEADERS_IN_FLIGHT = 8;

/** 100,000 tensors with long names take about 12 MB. */
const MAX_INDEX_BYTES = 100_000_000;

interface ModelIndex {
  readonly weightMap: ReadonlyMap<string, string>;
  readonly totalSize: unknown;
  /** True for a single file without index: then its name stands for its tensors. */
  readonly isSingle: boolean;
  readonly problems: readonly FileProblem[];
}

async function readIndex(dir: string): Promise<ModelIndex> {
  const path = join(dir, INDEX_FILE);
  const failed = (problem: FileProblem): ModelIndex => {
    return { weightMap: new Map(), totalSize: undefined, isSingle: false, problems: [problem] };
  };
  const facts = await stat(path).catch(() => null);
  if (facts === null) {
    const single = await stat(join(dir, SINGLE_FILE)).catch(() => null);
    if (single === null) {
      const isThere = (await stat(dir).catch(() => null)) !== null;
      const lacks = `neither ${INDEX_FILE} nor ${SINGLE_FILE} is there`;
      return failed(isThere ? modelProblem('weights-missing', dir, lacks) : modelProblem('folder-missing', dir, GONE));
    }
    return { weightMap: new Map([['', SINGLE_FILE]]), totalSize: undefined, isSingle: true, problems: [] };
  }
  if (facts.size > MAX_INDEX_BYTES) return failed(modelProblem('index-damaged', path, `${facts.size} bytes long`));
  const index = facts.isFile() ? parseJsonObject(await readFile(path)) : null;
  const weightMap = index?.['weight_map'];
  if (!isObject(weightMap)) return failed(modelProblem('index-damaged', path, 'it is not JSON with a weight_map'));
  const named = new Map<string, string>();
  const wrong: (readonly [string, unknown])[] = [];
  // Tens of thousands of entries name a hundred files.
  const shards = new Set<string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard === 'string' && (shards.has(shard) || isShardName(shard))) {
      named.set(name, shard);
      shards.add(shard);
    } else wrong.push([name, shard]);
  }
  // Weights that nothing names would be loaded as random ones.
  if (named.size + wrong.length === 0)
    return failed(modelProblem('index-damaged', path, 'its weight_map names no tensor'));
  const metadata = index?.['metadata'];
  return {
    weightMap: named,
    totalSize: isObject(metadata) ? metadata['total_size'] : undefined,
    isSingle: false,
    problems: wrong
      .slice(0, 1)
      .map(([name, shard]) =>
        modelProblem('index-damaged', path, `${name} is in ${JSON.stringify(shard)}, not a file of the folder`),
      ),
  };
}

function isShardName(name: string): boolean {
  return name.endsWith('.safetensors') && basename(name) === name;
}

function collectTensors(
  dir: string,
  shards: readonly string[],
  headers: readonly SafetensorsHeader[],
): { readonly tensors: ReadonlyMap<string, ModelTensor>; readonly problems: readonly FileProblem[] } {
  const tensors = new Map<string, ModelTensor>();
  const problems: FileProblem[] = [];
  for (const [position, shard] of shards.entries()) {
    const header = headers[position];
    if (header === undefined) continue;
    problems.push(...header.problems);
    const doubled: string[] = [];
    for (const [name, { dtype, shape, offsets }] of header.tensors) {
      if (tensors.has(name)) doubled.push(name);
      tensors.set(name, { dtype, shape, offsets, shard, dataStart: header.dataStart });
    }
    if (doubled.length > 0) {
      problems.push(modelProblem('tensor-twice', join(dir, shard), `it repeats ${countNames(doubled)}`));
    }
  }
  return { tensors, problems };
}

/** A file without damage that holds no tensor is no model either. */
function checkSingle(
  dir: string,
  problems: readonly FileProblem[],
  { size }: ReadonlyMap<string, ModelTensor>,
): readonly FileProblem[] {
  if (size > 0 || problems.length > 0) return [];
  return [modelProblem('weights-missing', join(dir, SINGLE_FILE), 'it holds no tensor')];
}

/** Every entry of the index is in the file that it names, and every tensor is in the index. */
function checkIndex(
  dir: string,
  weightMap: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, ModelTensor>,
): readonly FileProblem[] {
  const absent: string[] = [];
  for (const [name, shard] of weightMap) if (tensors.get(name)?.shard !== shard) absent.push(name);
  const unindexed: string[] = [];
  for (const name of tensors.keys()) if (!weightMap.has(name)) unindexed.push(name);
  const path = join(dir, INDEX_FILE);
  return [
    ...(absent.length === 0
      ? []
      : [modelProblem('tensor-missing', path, `not where the index says: ${countNames(absent)}`)]),
    ...(unindexed.length === 0
      ? []
      : [modelProblem('tensor-unindexed', path, `not in the index: ${countNames(unindexed)}`)]),
  ];
}

/** Old exports lack the field; where it stands it must be right. */
function checkTotal(dir: string, totalSize: unknown, totalBytes: number): readonly FileProblem[] {
  if (totalSize === undefined || totalSize === totalBytes) return [];
  const what = `metadata.total_size is ${JSON.stringify(totalSize)}, the tensors take ${totalBytes} bytes`;
  return [modelProblem('total-size-wrong', join(dir, INDEX_FILE), what)];
}

/** Files that no index entry names: without a sound index, all of them. */
async function findStrays(dir: string, shards: readonly string[]): Promise<readonly FileProblem[]> {
  const names = await readdir(dir).catch(() => []);
  return names
    .filter((name) => name.endsWith('.safetensors') && !shards.includes(name))
    .map((name) => modelProblem('file-stray', join(dir, name), 'no index entry names this file'));
}
