import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32Bytes, toBfloat16 } from '../../../src/recipes/simulated/programs/bfloat16.mjs';
import { releasedTensors } from './programs/model.mjs';
import { drawn } from './programs/parameters.mjs';
import { writeTensors } from './programs/safetensors.mjs';

/** A model of the released one's family, some hundred kilobytes large. */
export const CONFIG = {
  model_type: 'glm4v_moe',
  architectures: ['Glm4vMoeForConditionalGeneration'],
  dtype: 'bfloat16',
  text_config: {
    model_type: 'glm4v_moe_text',
    ...{ num_hidden_layers: 3, first_k_dense_replace: 1, n_routed_experts: 8, n_shared_experts: 1 },
    ...{ hidden_size: 16, intermediate_size: 24, moe_intermediate_size: 8, vocab_size: 32 },
    ...{ num_attention_heads: 2, num_key_value_heads: 2 },
  },
  vision_config: { model_type: 'glm4v_moe_vision', hidden_size: 8, depth: 2, num_heads: 2 },
};

/** What else a folder of a hub holds. */
const OTHERS = {
  'config.json': `${JSON.stringify(CONFIG, null, 2)}\n`,
  'generation_config.json': '{}\n',
  'preprocessor_config.json': '{}\n',
  'tokenizer_config.json': '{}\n',
  'tokenizer.json': '{}\n',
  'README.md': '# A small model with the shape of GLM-4.5V\n',
};

/**
 * Writes the model as a Hugging Face folder of several shards.
 * @param {string} folder
 */
export async function makeModel(folder) {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(OTHERS)) await writeFile(join(folder, name), text);
  const tensors = releasedTensors(CONFIG).map(({ name, shape, dtype }) => {
    const values = drawn(`released ${name}`, shape, 1);
    return [name, { dtype, shape, bytes: dtype === 'BF16' ? toBfloat16(values) : float32Bytes(values) }];
  });
  await writeTensors(folder, new Map(tensors));
}
