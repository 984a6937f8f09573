import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { TemperError } from '../../domain/errors.js';
import type { ExportDtype, FileProblem } from '../../schemas/model-files.js';
import { castShard } from './cast-shard.js';
import { mainFloat } from './config-dtype.js';
import { readModelFolder, type ModelFolder, type ModelTensor } from './model-folder.js';
import { countNames } from './problems.js';
import { tellDtype } from './tell-dtype.js';

export interface CastOptions {
  /** Folder of the model to cast, in Hugging Face layout. */
  readonly source: string;
  /** The original model: what is BF16 in it becomes BF16, everything else stays. */
  readonly like: string;
  readonly dtype: ExportDtype;
  /** Folder to write; null: only config.json is corrected, in place (f32). */
  readonly output: string | null;
  /** Remove the source once the whole output is on disk. */
  readonly removeSource?: boolean;
  readonly signal?: AbortSignal;
  /** Told after each shard. */
  readonly onShard?: (done: number, of: number) => void;
}

/** What `temper model cast -o json` prints. */
export interface CastReport {
  readonly v: 1;
  readonly dtype: ExportDtype;
  readonly cast: number;
  readonly kept: number;
  readonly bytes: number;
  readonly ms: number;
}

/** Index of a folder with several shards. */
const INDEX_FILE = 'model.safetensors.index.json';

/**
 * Casts an exported model to the number formats of its original and makes config.json tell the truth. Every file appears
 * by rename, the index last, so a folder without it was interrupted; calling again writes it anew.
 */
export async function castModel(options: CastOptions): Promise<CastReport> {
  const startedAt = Date.now();
  const { source, like, dtype, output } = options;
  assertApart(options);
  const original = await wholeModel(like);
  if (dtype === 'bf16' && output !== null && !(await exists(source))) return finished(original, output, startedAt);
  const model = await wholeModel(source);
  assertCastable(model, original);
  if (dtype === 'f32') {
    const target = output ?? source;
    if (output !== null) await copyModel(model, output);
    await tellTruth(source, target, model.tensors.values());
    return report(model, { dtype, cast: 0, bytes: model.totalBytes, startedAt });
  }
  if (output === null) {
    throw new TemperError('UsageInvalid', {
      where: '--output',
      what: 'a cast to bf16 needs a folder to write',
      fix: 'add --output DIR',
    });
  }
  await clearOutput(model, output);
  await copyOthers(source, output);
  let bytes = 0;
  for (const [done, shard] of model.shards.entries()) {
    options.signal?.throwIfAborted();
    const wanted = (name: string) => original.tensors.get(name)?.dtype ?? 'F32';
    bytes += await castShard(join(source, shard), join(output, shard), wanted);
    options.onShard?.(done + 1, model.shards.length);
  }
  await tellTruth(
    source,
    output,
    [...model.tensors].map(([name, tensor]) => castOf(tensor, original.tensors.get(name))),
  );
  await writeIndex(model, output, bytes);
  if (options.removeSource === true) await removeWhole(source);
  return report(model, { dtype, cast: countCast(model, original), bytes, startedAt });
}

/** config.json names the format that most of the weights have now. */
async function tellTruth(
  source: string,
  target: string,
  tensors: Iterable<Pick<ModelTensor, 'dtype' | 'offsets'>>,
): Promise<void> {
  const name = mainFloat(tensors);
  if (name !== null) await tellDtype(source, target, name);
}

/** A tensor as it is after the cast; only the length of its bytes counts. */
function castOf(tensor: ModelTensor, original: ModelTensor | undefined): Pick<ModelTensor, 'dtype' | 'offsets'> {
  if (tensor.dtype !== 'F32' || original?.dtype !== 'BF16') return tensor;
  const [start, end] = tensor.offsets;
  return { dtype: 'BF16', offsets: [0, (end - start) / 2] };
}

/** Makes the folder ready: what an interrupted call left goes, what belongs to somebody else is refused. */
async function clearOutput(model: ModelFolder, output: string): Promise<void> {
  await mkdir(output, { recursive: true });
  const names = await readdir(output);
  const foreign = names.find((name) => name.endsWith('.safetensors') && !model.shards.includes(name));
  if (foreign !== undefined) {
    throw new TemperError('UsageInvalid', {
      where: join(output, foreign),
      what: 'the folder to write holds weights that are not of this model',
      fix: 'give an empty folder',
    });
  }
  const left = names.filter((name) => /^\..+\.safetensors\.[0-9a-f-]{36}\.tmp$/.test(name));
  for (const name of [INDEX_FILE, ...left]) await rm(join(output, name), { force: true });
}

/** The source is gone because an earlier call removed it: then its output has to be whole. */
async function finished(original: ModelFolder, output: string, startedAt: number): Promise<CastReport> {
  const model = await wholeModel(output);
  const differing = [...model.tensors].filter(([name, { dtype }]) => original.tensors.get(name)?.dtype !== dtype);
  if (differing.length > 0) {
    throw new TemperError('ProofFailed', {
      where: output,
      what: `other number formats than the original: ${countNames(differing.map(([name]) => name))}`,
    });
  }
  return report(model, { dtype: 'bf16', cast: 0, bytes: model.totalBytes, startedAt });
}

/** A model that is written over while it is read is lost. */
function assertApart({ source, like, output }: CastOptions): void {
  if (output === null) return;
  const isNested = (outer: string, inner: string): boolean => !/^\.\.(\/|$)/.test(relative(outer, inner));
  const clash = [source, like].find((dir) => isNested(dir, output) || isNested(output, dir));
  if (clash === undefined) return;
  throw new TemperError('UsageInvalid', {
    where: output,
    what: `the folder to write and ${clash} lie in one another`,
    fix: 'give a folder of its own',
  });
}

/** Tensors of both are the same, and each has its original's format or is an F32 that the original has as BF16. */
function assertCastable(model: ModelFolder, original: ModelFolder): void {
  const strangers = [...model.tensors.keys()].filter((name) => !original.tensors.has(name));
  const missing = [...original.tensors.keys()].filter((name) => !model.tensors.has(name));
  const wrong = [...model.tensors].flatMap(([name, { dtype }]) => {
    const wanted = original.tensors.get(name)?.dtype;
    return wanted === undefined || wanted === dtype || (dtype === 'F32' && wanted === 'BF16') ? [] : [name];
  });
  const problems = [
    ...(strangers.length === 0 ? [] : [`not in the original: ${countNames(strangers)}`]),
    ...(missing.length === 0 ? [] : [`missing: ${countNames(missing)}`]),
    ...(wrong.length === 0 ? [] : [`neither the original's format nor F32: ${countNames(wrong)}`]),
  ];
  const [first] = problems;
  if (first === undefined) return;
  throw new TemperError('ProofFailed', {
    where: model.dir,
    what: `the model cannot be cast: ${first}`,
    why: 'which tensors are cast follows from the original',
    evidence: problems,
  });
}

async function wholeModel(dir: string): Promise<ModelFolder> {
  const folder = await readModelFolder(dir);
  const [first] = folder.problems;
  if (first === undefined) return folder;
  const tell = ({ where, what }: FileProblem): string => `${where}: ${what}`;
  throw new TemperError('ProofFailed', {
    where: dir,
    what: `the model folder is not whole: ${first.what}`,
    why: first.why,
    fix: first.fix,
    evidence: folder.problems.map(tell),
  });
}

/** Everything that is neither weights nor told by the cast itself: tokenizer, templates, licence. */
async function copyOthers(source: string, output: string): Promise<void> {
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    const path = relative(source, join(entry.parentPath, entry.name));
    if (!entry.isFile() || path.endsWith('.safetensors') || path === INDEX_FILE || path === 'config.json') continue;
    await mkdir(dirname(join(output, path)), { recursive: true });
    await copyAtomic(join(source, path), join(output, path));
  }
}

async function copyModel(model: ModelFolder, output: string): Promise<void> {
  await mkdir(output, { recursive: true });
  await copyOthers(model.dir, output);
  for (const shard of model.shards) await copyAtomic(join(model.dir, shard), join(output, shard));
  if (await exists(join(model.dir, INDEX_FILE)))
    await copyAtomic(join(model.dir, INDEX_FILE), join(output, INDEX_FILE));
}

async function copyAtomic(from: string, to: string): Promise<void> {
  const temp = `${to}.tmp`;
  await copyFile(from, temp);
  await rename(temp, to);
}

/** A single file needs no index: its name stands for its tensors. */
async function writeIndex(model: ModelFolder, output: string, bytes: number): Promise<void> {
  if (!(await exists(join(model.dir, INDEX_FILE)))) return;
  const map = [...model.tensors].map(([name, { shard }]) => [name, shard] as const);
  map.sort(([left], [right]) => (left < right ? -1 : 1));
  const index = { metadata: { total_size: bytes }, weight_map: Object.fromEntries(map) };
  await writeFileAtomic(join(output, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
}

/** By rename first: a folder that is half removed is never taken for a model. */
async function removeWhole(dir: string): Promise<void> {
  const doomed = `${dir}.removed`;
  await rename(dir, doomed);
  await rm(doomed, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

function countCast(model: ModelFolder, original: ModelFolder): number {
  return [...model.tensors].filter(
    ([name, { dtype }]) => dtype === 'F32' && original.tensors.get(name)?.dtype === 'BF16',
  ).length;
}

function report(
  { tensors }: ModelFolder,
  { dtype, cast, bytes, startedAt }: Pick<CastReport, 'dtype' | 'cast' | 'bytes'> & { readonly startedAt: number },
): CastReport {
  return { v: 1, dtype, cast, kept: tensors.size - cast, bytes, ms: Date.now() - startedAt };
}
