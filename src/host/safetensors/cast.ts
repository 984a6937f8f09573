import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { TemperError } from '../../domain/errors.js';
import { roundToBf16 } from './bf16.js';
import { readModelFolder, type ModelFolder, type ModelTensor } from './model-folder.js';
import { isObject, parseJsonObject } from './json-object.js';
import { copyCompanions, makeModelFolder, wholeFolder } from './new-folder.js';
import { countNames } from './problems.js';
import { dataOf, writeModel, type NewTensor, type WriteProgress } from './write-model.js';

/** A model to be written in other number formats. */
export interface Casting {
  readonly source: string;
  /** The model whose tensors tell the number format of each. */
  readonly like: string;
  readonly output: string;
  readonly isSourceRemoved: boolean;
  readonly onProgress?: WriteProgress;
}

/**
 * Writes a model whose tensors have the number formats of another one: those that are BF16 there are rounded from F32 to
 * the nearest, ties to even; all others are copied. Configuration and tokenizer come from the other model, for which
 * they are true.
 */
export async function castLike(casting: Casting): Promise<{ readonly tensors: number; readonly rounded: number }> {
  const { source, like, output } = casting;
  const original = await wholeFolder(like);
  if (await isDone(output, original)) {
    // An earlier call was killed behind its last rename.
    if (casting.isSourceRemoved) await rm(source, { recursive: true, force: true });
    return { tensors: original.tensors.size, rounded: 0 };
  }
  const trained = await wholeFolder(source);
  let rounded = 0;
  const tensors = [...trained.tensors].map(([name, tensor]): NewTensor => {
    const wanted = original.tensors.get(name)?.dtype;
    if (wanted === 'BF16' && tensor.dtype === 'F32') {
      rounded += 1;
      return { name, dtype: 'BF16', shape: tensor.shape, data: () => rounding(dataOf(trained, tensor)) };
    }
    if (wanted === tensor.dtype)
      return { name, dtype: wanted, shape: tensor.shape, data: () => dataOf(trained, tensor) };
    throw uncastable(source, name, tensor, wanted);
  });
  assertComplete(trained, original);
  await makeModelFolder(output, async (dir) => {
    await copyCompanions(like, dir);
    await writeModel(dir, tensors, casting.onProgress === undefined ? {} : { onProgress: casting.onProgress });
  });
  if (casting.isSourceRemoved) await rm(source, { recursive: true, force: true });
  return { tensors: tensors.length, rounded };
}

/** Whether the output is there already: a whole model with every tensor of the original, in its number formats. */
async function isDone(output: string, original: ModelFolder): Promise<boolean> {
  const made = await readModelFolder(output);
  return (
    made.problems.length === 0 &&
    made.tensors.size === original.tensors.size &&
    [...original.tensors].every(([name, { dtype, shape }]) => {
      const tensor = made.tensors.get(name);
      return tensor?.dtype === dtype && tensor.shape.join() === shape.join();
    })
  );
}

function assertComplete(trained: ModelFolder, original: ModelFolder): void {
  const missing = [...original.tensors.keys()].filter((name) => !trained.tensors.has(name));
  if (missing.length === 0) return;
  throw new TemperError('ProofFailed', {
    where: trained.dir,
    what: `the original has more: ${countNames(missing)}`,
    why: 'a model that lacks them loads with random values in their place',
    fix: 'export from a checkpoint that was trained from this original',
  });
}

/** Makes config.json of a folder name the number format that its weights have. */
export async function tellDtype(dir: string, torchName: 'bfloat16' | 'float32'): Promise<void> {
  const path = join(dir, 'config.json');
  const config = parseJsonObject(await readFile(path));
  if (config === null) throw new TemperError('ProofFailed', { where: path, what: 'it is no JSON object' });
  const parts = Object.entries(config).map(([key, value]): [string, unknown] => [
    key,
    isObject(value) ? named(value, torchName) : value,
  ]);
  await writeFileAtomic(path, `${JSON.stringify(named(Object.fromEntries(parts), torchName), null, 2)}\n`);
}

function named(part: Readonly<Record<string, unknown>>, torchName: string): Readonly<Record<string, unknown>> {
  const keys = ['dtype', 'torch_dtype'].filter((key) => typeof part[key] === 'string');
  return { ...part, ...Object.fromEntries(keys.map((key) => [key, torchName])) };
}

function uncastable(where: string, name: string, { dtype }: ModelTensor, wanted: string | undefined): TemperError {
  return new TemperError('ProofFailed', {
    where,
    what:
      wanted === undefined
        ? `${name} is not in the original`
        : `${name} is ${dtype}, which does not become the ${wanted} of the original`,
    fix: 'export from a checkpoint that was trained from this original',
  });
}

const F32_BYTES = 4;

/** F32 to BF16, piece by piece; a piece may end within a number. */
async function* rounding(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const piece of pieces) {
    const all = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = all.length - (all.length % F32_BYTES);
    rest = Uint8Array.from(all.subarray(whole));
    if (whole > 0) yield toBf16(all.subarray(0, whole));
  }
  if (rest.length > 0) throw new Error(`${rest.length} bytes are left of a number`);
}

/** Rounds F32 numbers, little-endian, to the nearest BF16, ties to even, as torch does; NaN stays NaN. */
export function toBf16(bytes: Uint8Array): Uint8Array {
  // A copy begins at a multiple of four, which a view of 32 bits asks for.
  const aligned = bytes.byteOffset % F32_BYTES === 0 ? bytes : Uint8Array.from(bytes);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / F32_BYTES);
  const rounded = new Uint16Array(words.length);
  roundToBf16(words, rounded);
  return new Uint8Array(rounded.buffer);
}
