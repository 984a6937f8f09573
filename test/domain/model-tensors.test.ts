import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absentTensors } from '../../src/domain/model-tensors.js';

const [LAYERS, DENSE, EXPERTS, DEPTH] = [4, 1, 3, 2];
const CONFIG = {
  text_config: { num_hidden_layers: LAYERS, first_k_dense_replace: DENSE, n_routed_experts: EXPERTS },
  vision_config: { depth: DEPTH },
};
const layerPath = (layer: number): string => `model.language_model.layers.${layer}`;
const mlp = (layer: number): string[] =>
  layer < DENSE
    ? ['mlp.gate_proj.weight', 'mlp.up_proj.weight']
    : [
        ...['mlp.gate.weight', 'mlp.gate.e_score_correction_bias', 'mlp.shared_experts.up_proj.weight'],
        ...Array.from({ length: EXPERTS }, (_, expert) =>
          ['gate', 'up', 'down'].map((kind) => `mlp.experts.${expert}.${kind}_proj.weight`),
        ).flat(),
      ];
const LAYER_NAMES = Array.from({ length: LAYERS }, (_, layer) =>
  ['input_layernorm.weight', 'self_attn.q_proj.weight', ...mlp(layer)].map((name) => `${layerPath(layer)}.${name}`),
).flat();
const BLOCK_NAMES = [0, 1].map((block) => `model.visual.blocks.${block}.attn.qkv.weight`);
const OTHERS = ['model.language_model.embed_tokens.weight', 'lm_head.weight', 'model.visual.patch_embed.proj.weight'];
const WHOLE = [...LAYER_NAMES, ...BLOCK_NAMES, ...OTHERS];
const without = (gone: (name: string) => boolean): ReadonlySet<string> => new Set(WHOLE.filter((name) => !gone(name)));

describe('tensors that config.json promises', () => {
  it.each<[string, object, readonly string[]]>([
    ['all are there', CONFIG, WHOLE],
    [
      'layers come on top, as those for speculative decoding',
      CONFIG,
      [...WHOLE, `${layerPath(LAYERS)}.eh_proj.weight`],
    ],
    ['the head is that of the embedding', CONFIG, WHOLE.filter((name) => name !== 'lm_head.weight')],
    ['the vision part has other names', CONFIG, WHOLE.filter((name) => !BLOCK_NAMES.includes(name))],
    ['config.json counts nothing', {}, WHOLE],
  ])('are not missed where %s', (_what, config, names) => {
    expect(absentTensors({ ...config }, new Set(names))).toBeNull();
  });

  it.each([
    ['the last layer', (name: string) => name.startsWith(`${layerPath(3)}.`), /^1 tensors .*layers\.3\.\*/],
    ['the only dense layer', (name: string) => name.startsWith(`${layerPath(0)}.`), /layers\.0\.\*/],
    ['an expert of all layers', (name: string) => name.includes('experts.2.'), /^9 tensors .*experts\.2\.gate_proj/],
    ['a vision block', (name: string) => name === BLOCK_NAMES[1], /visual\.blocks\.1\.\*/],
    ['the text model', (name: string) => name.startsWith('model.language_model'), /^4 tensors .*layers\.0\.\*/],
  ])('are missed where they lack %s', (_what, gone, what) => {
    expect(absentTensors(CONFIG, without(gone))?.what).toMatch(what);
  });

  it('are missed one by one, whichever it is, but for those of which there is one only', () => {
    // A dense layer alone is like no other, so that nothing tells what it should have.
    const told = [...LAYER_NAMES.filter((name) => !name.startsWith(`${layerPath(0)}.`)), ...BLOCK_NAMES];
    fc.assert(
      fc.property(fc.constantFrom(...told), (name) => {
        const facts = absentTensors(
          CONFIG,
          without((one) => one === name),
        );
        expect(facts?.what).toContain(BLOCK_NAMES.includes(name) ? name.replace('attn.qkv.weight', '*') : name);
      }),
    );
  });
});
