import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { writeModel, type WrittenTensor } from '../../host/safetensors/writer.js';

const [HIDDEN, WIDTH, EXPERTS] = [8, 4, 4];

/** Writes a model of the real one's shape and names, a few kilobytes large, with values from a fixed sequence. */
export async function writeTinyModel(dir: string, { layers }: { readonly layers: number }): Promise<void> {
  let state = 7;
  const bf16 = (...shape: number[]): WrittenTensor => {
    const bytes = new Uint8Array(shape.reduce((product, size) => product * size, 2));
    for (let index = 0; index < bytes.length; index += 2) {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      // Numbers between 0.5 and 2, and their negatives: neither infinite nor subnormal.
      bytes.set([state & 0xff, ((state >> 8) & 0x80) | 0x3f], index);
    }
    return { dtype: 'BF16', shape, bytes };
  };
  const text = (layer: number): Record<string, WrittenTensor> => {
    const path = `model.language_model.layers.${layer}`;
    const experts = Array.from({ length: EXPERTS }, (_, expert) => `${path}.mlp.experts.${expert}`);
    const mixture = Object.fromEntries(
      experts.flatMap((expert) => [
        [`${expert}.gate_proj.weight`, bf16(WIDTH, HIDDEN)],
        [`${expert}.up_proj.weight`, bf16(WIDTH, HIDDEN)],
        [`${expert}.down_proj.weight`, bf16(HIDDEN, WIDTH)],
      ]),
    );
    const router = {
      [`${path}.mlp.gate.weight`]: bf16(EXPERTS, HIDDEN),
      [`${path}.mlp.gate.e_score_correction_bias`]: {
        dtype: 'F32',
        shape: [EXPERTS],
        bytes: new Uint8Array(new Float32Array([0.1, 0.2, 0.3, 1 / 3]).buffer),
      } as const,
    };
    return {
      [`${path}.input_layernorm.weight`]: bf16(HIDDEN),
      [`${path}.self_attn.q_proj.weight`]: bf16(HIDDEN, HIDDEN),
      ...(layer === 0 ? { [`${path}.mlp.gate_proj.weight`]: bf16(2 * WIDTH, HIDDEN) } : { ...mixture, ...router }),
    };
  };
  const layerTensors = Array.from({ length: layers }, (_, layer) => text(layer));
  await writeModel(
    dir,
    {
      'model-1.safetensors': {
        'model.language_model.embed_tokens.weight': bf16(16, HIDDEN),
        'model.visual.patch_embed.proj.weight': bf16(4, 4),
        'model.visual.blocks.0.attn.qkv.weight': bf16(12, 4),
        'model.visual.merger.proj.weight': bf16(4, 4),
        ...layerTensors[0],
      },
      'model-2.safetensors': { ...Object.assign({}, ...layerTensors.slice(1)), 'lm_head.weight': bf16(16, HIDDEN) },
    },
    {
      model_type: 'glm4v_moe',
      architectures: ['Glm4vMoeForConditionalGeneration'],
      dtype: 'bfloat16',
      text_config: {
        model_type: 'glm4v_moe_text',
        ...{ num_hidden_layers: layers, first_k_dense_replace: 1, n_routed_experts: EXPERTS },
        ...{ hidden_size: HIDDEN, moe_intermediate_size: WIDTH, num_attention_heads: 2, num_key_value_heads: 1 },
      },
      vision_config: { model_type: 'glm4v_moe_vision', hidden_size: 4, depth: 1, num_heads: 2 },
    },
  );
  writeFileSync(join(dir, 'tokenizer_config.json'), '{}');
}

/** Bits that a cast to BF16 rounds away, and the lowest bit that it keeps. */
const LOST = 1;
const KEPT = 1 << 16;

/**
 * Writes what training leaves of a model: every BF16 tensor in F32. Those whose name holds `changed` are moved by one
 * bit, `by` a step that a cast to BF16 keeps or loses.
 */
export async function writeTrained(
  original: string,
  dir: string,
  { changed, by }: { readonly changed: string; readonly by: 'kept' | 'lost' },
): Promise<void> {
  const folder = await readModelFolder(original);
  const tensors = [...folder.tensors].map(([name, { dtype, shape, shard, dataStart, offsets }]) => {
    const bytes = readFileSync(join(original, shard)).subarray(dataStart + offsets[0], dataStart + offsets[1]);
    if (dtype !== 'BF16') return [name, { dtype, shape, bytes }] as const;
    const narrow = new Uint16Array(Uint8Array.from(bytes).buffer);
    const wide = Uint32Array.from(narrow, (bits) => bits * 0x1_00_00);
    if (changed !== '' && name.includes(changed)) wide[0] = (wide[0] ?? 0) ^ (by === 'kept' ? KEPT : LOST);
    return [name, { dtype: 'F32', shape, bytes: new Uint8Array(wide.buffer) }] as const;
  });
  const config: unknown = JSON.parse(readFileSync(join(original, 'config.json'), 'utf8'));
  await writeModel(dir, { 'model.safetensors': Object.fromEntries(tensors) }, config);
}
