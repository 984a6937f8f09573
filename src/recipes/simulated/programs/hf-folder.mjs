import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32Bytes, fromBfloat16, toBfloat16, toFloat32 } from './bfloat16.mjs';
import { TENSORS } from './model-shape.mjs';
import { BadInput } from './program-errors.mjs';

const WEIGHTS = 'model.safetensors';
const LENGTH_BYTES = 8;
/** Names that config.json gives to the number formats. */
const CONFIG_DTYPES = { BF16: 'bfloat16', F32: 'float32' };

/** config.json without its dtype. It says what a mixture-of-experts model of this shape would: no layer has experts. */
export const CONFIG = {
  architectures: ['SimulatedForConditionalGeneration'],
  model_type: 'simulated',
  text_config: { model_type: 'simulated_text', num_hidden_layers: 1, first_k_dense_replace: 1, n_routed_experts: 1 },
};

/** A folder to write into, which must be fresh. */
export async function makeFreshFolder(path, argument) {
  await mkdir(path, { recursive: true });
  if ((await readdir(path)).length > 0)
    throw new BadInput(`${argument} ${path}: the folder is not empty. Give a fresh folder.`);
}

/**
 * Writes a model as a Hugging Face folder: one safetensors file and config.json.
 * @param {string} folder
 * @param {ReadonlyMap<string, Float32Array>} tensors by name
 * @param {'BF16' | 'F32'} dtype number format of all tensors
 * @param {object} config config.json without its dtype
 */
export async function writeModel(folder, tensors, dtype, config) {
  const header = { __metadata__: { format: 'pt' } };
  const contents = [];
  let end = 0;
  for (const { name, shape } of TENSORS) {
    const values = tensors.get(name);
    const bytes = dtype === 'BF16' ? toBfloat16(values) : float32Bytes(values);
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    contents.push(bytes);
    end += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(join(folder, WEIGHTS), Buffer.concat([length, text, ...contents]));
  await writeFile(
    join(folder, 'config.json'),
    `${JSON.stringify({ ...config, dtype: CONFIG_DTYPES[dtype] }, null, 2)}\n`,
  );
}

/**
 * Reads a model of this trainer's shape.
 * @param {string} folder
 * @returns {Promise<{ tensors: Map<string, Float32Array>, dtype: 'BF16' | 'F32', config: object }>}
 * @throws BadInput for a model of another shape
 */
export async function readModel(folder) {
  const file = await readFile(join(folder, WEIGHTS));
  const start = LENGTH_BYTES + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', LENGTH_BYTES, start));
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const tensors = new Map();
  for (const { name, shape } of TENSORS) {
    const entry = header[name];
    if (entry?.shape.join() !== shape.join() || !(entry.dtype in CONFIG_DTYPES)) {
      throw new BadInput(
        `${folder}: tensor ${name} is ${JSON.stringify(entry ?? null)}, not BF16 or F32 of shape [${shape.join(', ')}]. Give a model that make-weights.mjs wrote.`,
      );
    }
    const [from, to] = entry.data_offsets;
    const bytes = file.subarray(start + from, start + to);
    tensors.set(name, entry.dtype === 'BF16' ? fromBfloat16(bytes) : toFloat32(bytes));
  }
  return { tensors, dtype: header[TENSORS[0].name].dtype, config };
}
