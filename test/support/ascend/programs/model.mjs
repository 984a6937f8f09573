/**
 * The tensors of a model of this family, from its config.json alone, as the training code builds it.
 * @typedef {{ name: string, shape: readonly number[], dtype: 'BF16' | 'F32', isBuffer: boolean }} Tensor
 *   `isBuffer`: kept as it is, stored once and not trained
 */

/**
 * Tensors of the released model, each expert on its own: what a Hugging Face folder holds.
 * @param {Record<string, any>} config
 * @returns {readonly Tensor[]}
 */
export function releasedTensors(config) {
  const { text_config: text, vision_config: vision } = config;
  const { hidden_size: hidden, vocab_size: vocab } = text;
  return [
    weight('model.language_model.embed_tokens.weight', vocab, hidden),
    ...each(text.num_hidden_layers, (layer) => layerTensors(text, layer)),
    weight('model.language_model.norm.weight', hidden),
    ...visionTensors(vision, hidden),
    weight('lm_head.weight', vocab, hidden),
  ];
}

/**
 * Parameters and buffers of the model in training, the experts of a layer merged into two.
 * @param {Record<string, any>} config
 * @returns {readonly Tensor[]}
 */
export function trainedTensors(config) {
  const { num_hidden_layers: layers, first_k_dense_replace: dense, hidden_size: hidden } = config.text_config;
  const { n_routed_experts: experts, moe_intermediate_size: width } = config.text_config;
  const isExpert = ({ name }) => /\.mlp\.experts\.\d+\./.test(name);
  return [
    ...releasedTensors(config).filter((tensor) => !isExpert(tensor)),
    ...each(layers - dense, (index) => [
      weight(`${expertsOf(dense + index)}.gate_up_proj`, experts * hidden, 2 * width),
      weight(`${expertsOf(dense + index)}.down_proj`, experts * width, hidden),
    ]),
  ];
}

/** Name of a layer's experts, without the last part. */
export function expertsOf(layer) {
  return `model.language_model.layers.${layer}.mlp.experts`;
}

/** Elements of a shape. */
export function countElements(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

function layerTensors(text, layer) {
  const { hidden_size: hidden, intermediate_size: wide, moe_intermediate_size: width } = text;
  const { n_routed_experts: experts, first_k_dense_replace: dense } = text;
  const path = `model.language_model.layers.${layer}`;
  const projections = (at, size) => [
    weight(`${at}.gate_proj.weight`, size, hidden),
    weight(`${at}.up_proj.weight`, size, hidden),
    weight(`${at}.down_proj.weight`, hidden, size),
  ];
  const mixture = () => [
    ...each(experts, (expert) => projections(`${expertsOf(layer)}.${expert}`, width)),
    weight(`${path}.mlp.gate.weight`, experts, hidden),
    { name: `${path}.mlp.gate.e_score_correction_bias`, shape: [experts], dtype: 'F32', isBuffer: true },
    ...projections(`${path}.mlp.shared_experts`, width),
  ];
  return [
    weight(`${path}.input_layernorm.weight`, hidden),
    ...['q', 'k', 'v'].flatMap((part) => [
      weight(`${path}.self_attn.${part}_proj.weight`, hidden, hidden),
      weight(`${path}.self_attn.${part}_proj.bias`, hidden),
    ]),
    weight(`${path}.self_attn.o_proj.weight`, hidden, hidden),
    weight(`${path}.post_attention_layernorm.weight`, hidden),
    ...(layer < dense ? projections(`${path}.mlp`, wide) : mixture()),
  ];
}

function visionTensors({ hidden_size: own, depth }, hidden) {
  return [
    weight('model.visual.embeddings.position_embedding.weight', 9, own),
    weight('model.visual.patch_embed.proj.weight', own, 3, 2, 2, 2),
    weight('model.visual.post_conv_layernorm.weight', own),
    ...each(depth, (block) => [
      weight(`model.visual.blocks.${block}.norm1.weight`, own),
      weight(`model.visual.blocks.${block}.attn.qkv.weight`, 3 * own, own),
    ]),
    weight('model.visual.post_layernorm.weight', own),
    weight('model.visual.downsample.weight', hidden, own, 2, 2),
    weight('model.visual.merger.proj.weight', hidden, hidden),
  ];
}

function weight(name, ...shape) {
  return { name, shape, dtype: 'BF16', isBuffer: false };
}

function each(count, make) {
  return Array.from({ length: Math.max(0, count) }, (_, index) => make(index)).flat();
}
