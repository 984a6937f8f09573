import type { TrainingFacts } from './facts.js';

/**
 * The model file (`--mm-model`). Numbers of layers, heads and widths stand for the code's own checks and have no effect
 * on the model, which is built from the original's config.json: to reduce layers, reduce that.
 */
export function modelFile({ spec, revision, folders }: Pick<TrainingFacts, 'spec' | 'revision' | 'folders'>): object {
  const { freeze, loss, fusedMoe } = spec.train;
  return {
    model_id: 'glm4v_moe',
    init_from_hf_path: folders.hf,
    image_encoder: {
      vision_encoder: {
        model_id: 'glm4v_moe',
        num_layers: 24,
        hidden_size: 1_536,
        num_attention_heads: 12,
        freeze: freeze.visionEncoder,
        attn_implementation: 'sdpa',
      },
      vision_projector: { model_id: 'lnmlp', num_layers: 1, freeze: freeze.visionProjector },
    },
    text_decoder: {
      model_id: 'glm_4v_moe_text',
      num_layers: 46,
      hidden_size: 12_288,
      num_attention_heads: 96,
      max_position_embeddings: 65_536,
      // The output layer has no key of its own: it is frozen with the decoder.
      freeze: freeze.textDecoder,
      use_npu_fused_moe: fusedMoe ?? true,
      attn_implementation: 'sdpa',
      activation_offload: false,
    },
    loss_cfg: {
      compute_mode: 'default',
      chunk_size: 1_024,
      ...(revision.lossIn === 'modelFile' && loss !== undefined ? { loss_type: loss.type } : {}),
    },
    patch: { clip_grad_async: true, scale_grad: true },
  };
}

/** The argument that says how the loss is averaged, where a revision takes it from there. */
export function lossFlag({ spec, revision }: Pick<TrainingFacts, 'spec' | 'revision'>): string | null {
  const type = spec.train.loss?.type;
  if (revision.lossIn === 'modelFile' || type === undefined || type === 'default') return null;
  return type === 'per_token_loss' ? '--calculate-per-token-loss' : '--calculate-per-sample-loss';
}
