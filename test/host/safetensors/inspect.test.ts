import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../../src/host/safetensors/inspect.js';
import type { TensorDtype } from '../../../src/schemas/model-files.js';
import { makeFolder, writeModel } from './writer.js';

const CONFIG = {
  model_type: 'glm4v_moe',
  text_config: { num_hidden_layers: 46, first_k_dense_replace: 1 },
};
const wish = (layers: number | null) => ({ modelType: 'glm4v_moe', section: 'text_config', layers });

/** One tensor a layer is enough, where none of them has another one. */
const NAMES = Array.from({ length: 46 }, (_, layer) => `model.language_model.layers.${layer}.input_layernorm.weight`);

async function modelWith(config: unknown, dtype: TensorDtype = 'BF16'): Promise<string> {
  const dir = await makeFolder();
  await writeModel(
    dir,
    { 'model-1.safetensors': Object.fromEntries(NAMES.map((name) => [name, { dtype, shape: [2] }])) },
    config,
  );
  return dir;
}

describe('the model that a recipe needs', () => {
  it.each([
    ['is taken as it is', CONFIG, 'BF16', null],
    ['is taken with the fewest layers', CONFIG, 'BF16', 2],
    ['is taken with all layers', CONFIG, 'BF16', 46],
  ] as const)('%s', async (_what, config, dtype, layers) => {
    expect(await inspectModel(await modelWith(config, dtype), wish(layers))).toMatchObject({ tensors: 46, layers: 46 });
  });

  it.each([
    [
      'another model',
      { ...CONFIG, model_type: 'glm4v' },
      'BF16',
      null,
      /model_type is "glm4v", and glm4v_moe is needed/,
    ],
    ['no type', { text_config: CONFIG.text_config }, 'BF16', null, /model_type is null/],
    [
      'quantised weights that say so',
      { ...CONFIG, quantization_config: { quant_method: 'compressed-tensors' } },
      'F8_E4M3',
      null,
      /quantised \(compressed-tensors\).*BF16/,
    ],
    ['quantised weights that do not say so', CONFIG, 'F8_E4M3', null, /quantised \(F8_E4M3\)/],
    ['too many layers', CONFIG, 'BF16', 47, /47 layers cannot be kept of 46 .*give a number from 2 to 46/],
    ['dense layers only', CONFIG, 'BF16', 1, /1 layers cannot be kept of 46 \(the first 1 have no experts/],
    ['layers that nobody counted', { model_type: 'glm4v_moe' }, 'BF16', 4, /names no num_hidden_layers/],
  ] as const)('is not %s', async (_what, config, dtype, layers, message) => {
    const dir = await modelWith(config, dtype);
    await expect(inspectModel(dir, wish(layers))).rejects.toThrow(message);
    expect(await inspectModel(dir)).toMatchObject({ tensors: 46 });
  });
});
