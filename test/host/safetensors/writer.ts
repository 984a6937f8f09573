import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { bytesPerElement } from '../../../src/host/safetensors/dtypes.js';
import type { TensorDtype } from '../../../src/schemas/model-files.js';

/** A tensor to write; without bytes it is filled with zeros. */
export interface WrittenTensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly bytes?: Uint8Array;
}

/** A folder of its own for one test. */
export async function makeFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'temper-safetensors-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes header and data of a .safetensors file; `header` may replace the one that belongs to the tensors. */
export function encodeSafetensors(tensors: Readonly<Record<string, WrittenTensor>>, header?: string): Buffer {
  let end = 0;
  const entries: [string, unknown][] = [];
  const data: Uint8Array[] = [];
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    const length = shape.reduce((product, size) => product * size, bytesPerElement(dtype));
    entries.push([name, { dtype, shape, data_offsets: [end, end + length] }]);
    data.push(bytes ?? new Uint8Array(length));
    end += length;
  }
  const text = Buffer.from(
    header ?? JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...data]);
}

/** Writes a model folder with one file per given shard, an index and a config.json. */
export async function writeModel(
  dir: string,
  shards: Readonly<Record<string, Readonly<Record<string, WrittenTensor>>>>,
  config: unknown,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const weightMap: [string, string][] = [];
  let total = 0;
  for (const [file, tensors] of Object.entries(shards)) {
    await writeFile(join(dir, file), encodeSafetensors(tensors));
    for (const [name, { dtype, shape }] of Object.entries(tensors)) {
      weightMap.push([name, file]);
      total += shape.reduce((product, size) => product * size, bytesPerElement(dtype));
    }
  }
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(weightMap) };
  await writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
}
