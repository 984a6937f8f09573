import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @typedef {{ dtype: string, shape: readonly number[], bytes: Buffer }} Stored a tensor as a file holds it */

const LENGTH_BYTES = 8;
/** Upstream's shards hold 4 GB of a model of 215 GB; here the model is smaller by so much. */
const SHARD_BYTES = 20_000;

/**
 * Every tensor of every safetensors file in a folder, whatever its index says, as upstream reads it.
 * @param {string} folder
 * @returns {Promise<Map<string, Stored>>}
 */
export async function readTensors(folder) {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).toSorted();
  const tensors = new Map();
  for (const name of files)
    for (const [key, value] of parse(await readFile(join(folder, name)))) tensors.set(key, value);
  return tensors;
}

/**
 * Writes tensors as upstream does: the index first, then the shards it names.
 * @param {string} folder
 * @param {ReadonlyMap<string, Stored>} tensors
 * @param {(done: number, of: number) => void} [progress] called before each shard, and after the last
 */
export async function writeTensors(folder, tensors, progress = () => undefined) {
  const shards = split(tensors);
  const nameOf = (index) =>
    shards.length === 1 ? 'model.safetensors' : `model-${five(index + 1)}-of-${five(shards.length)}.safetensors`;
  const total = [...tensors.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  const index = {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(shards.flatMap((shard, at) => [...shard.keys()].map((name) => [name, nameOf(at)]))),
  };
  await writeFile(join(folder, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
  for (const [at, shard] of shards.entries()) {
    progress(at, shards.length);
    await writeFile(join(folder, nameOf(at)), serialise(shard));
  }
  progress(shards.length, shards.length);
}

function five(number) {
  return String(number).padStart(5, '0');
}

/** Tensors in order, a new shard whenever the next one would not fit. */
function split(tensors) {
  const shards = [new Map()];
  let used = 0;
  for (const [name, tensor] of tensors) {
    if (used > 0 && used + tensor.bytes.length > SHARD_BYTES) {
      shards.push(new Map());
      used = 0;
    }
    shards.at(-1).set(name, tensor);
    used += tensor.bytes.length;
  }
  return shards;
}

function serialise(tensors) {
  const header = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...[...tensors.values()].map(({ bytes }) => bytes)]);
}

function parse(file) {
  const start = LENGTH_BYTES + Number(file.readBigUInt64LE());
  const { __metadata__: _none, ...header } = JSON.parse(file.toString('utf8', LENGTH_BYTES, start));
  return Object.entries(header).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => [name, { dtype, shape, bytes: file.subarray(start + from, start + to) }],
  );
}
