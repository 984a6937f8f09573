import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { TensorDtype } from '../../schemas/model-files.js';
import { bytesPerElement } from './dtypes.js';
import type { ModelFolder, ModelTensor } from './model-folder.js';

/** A tensor that is about to be written; its data is read piece by piece, never as a whole. */
export interface NewTensor {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  data(): AsyncIterable<Uint8Array>;
}

/** What was written so far, in bytes. */
export type WriteProgress = (doneBytes: number, totalBytes: number) => void;

/** Files of 4 GB, as Hugging Face's own tools make them. */
const SHARD_BYTES = 4_000_000_000;

/** Writes tensors as the shards and the index of a model folder. Memory stays that of a few pieces. */
export async function writeModel(
  dir: string,
  tensors: readonly NewTensor[],
  options: { readonly shardBytes?: number; readonly onProgress?: WriteProgress } = {},
): Promise<void> {
  const shards = group(tensors, options.shardBytes ?? SHARD_BYTES);
  const totalBytes = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const weightMap: Record<string, string> = {};
  let doneBytes = 0;
  for (const [position, shard] of shards.entries()) {
    const file = shardName(position, shards.length);
    await writeShard(join(dir, file), shard, (bytes) => {
      doneBytes += bytes;
      options.onProgress?.(doneBytes, totalBytes);
    });
    for (const { name } of shard) weightMap[name] = file;
  }
  if (shards.length === 1) return;
  const index = { metadata: { total_size: totalBytes }, weight_map: weightMap };
  await writeFileAtomic(join(dir, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

/** The data of a tensor of an existing folder. */
export function dataOf({ dir }: Pick<ModelFolder, 'dir'>, tensor: ModelTensor): AsyncIterable<Uint8Array> {
  const [start, end] = tensor.offsets;
  if (end === start) return nothing();
  const file = join(dir, tensor.shard);
  return createReadStream(file, {
    start: tensor.dataStart + start,
    end: tensor.dataStart + end - 1,
    highWaterMark: PIECE_BYTES,
  });
}

/** Large enough for disks and network file systems, small enough for memory; a multiple of every element's size. */
const PIECE_BYTES = 4 * 1024 * 1024;

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A tensor without elements has no data.
}

function bytesOf({ dtype, shape }: Pick<NewTensor, 'dtype' | 'shape'>): number {
  return shape.reduce((product, size) => product * size, bytesPerElement(dtype));
}

/** In the given order; a tensor that is larger than a shard gets one of its own. */
function group(tensors: readonly NewTensor[], shardBytes: number): NewTensor[][] {
  const shards: NewTensor[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (filled + bytes > shardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)?.push(tensor);
    filled += bytes;
  }
  return shards;
}

function shardName(position: number, count: number): string {
  const number = (value: number): string => String(value).padStart(5, '0');
  return count === 1 ? 'model.safetensors' : `model-${number(position + 1)}-of-${number(count)}.safetensors`;
}

/** Tensor data begins at a multiple of this, so that readers may map it (safetensors format). */
const ALIGNMENT = 8;

async function writeShard(
  path: string,
  tensors: readonly NewTensor[],
  onWritten: (bytes: number) => void,
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writev(headerOf(tensors));
    for (const tensor of tensors) {
      let written = 0;
      for await (const piece of tensor.data()) {
        await file.writev([piece]);
        written += piece.byteLength;
        onWritten(piece.byteLength);
      }
      const expected = bytesOf(tensor);
      if (written !== expected) throw new Error(`${tensor.name} has ${written} bytes of data instead of ${expected}`);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

function headerOf(tensors: readonly NewTensor[]): Buffer[] {
  let end = 0;
  const entries = tensors.map((tensor) => {
    const start = end;
    end += bytesOf(tensor);
    return [tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [start, end] }] as const;
  });
  const text = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  const bytes = Buffer.byteLength(text);
  const json = Buffer.from(text + ' '.repeat((ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT));
  const length = Buffer.alloc(ALIGNMENT);
  length.writeBigUInt64LE(BigInt(json.length));
  return [length, json];
}
