import { z } from 'zod';
import type { CheckpointContract } from '../checkpoint-contract.js';
import { compareCheckpointTensors, mergeExperts } from './moe-merge.js';

/** Fields of config.json that say which layers have experts. */
const ConfigSchema = z.looseObject({
  text_config: z.looseObject({
    num_hidden_layers: z.int().min(1),
    first_k_dense_replace: z.int().min(0),
    n_routed_experts: z.int().min(1),
  }),
});

/** Compares a converted checkpoint with what merging the experts of the original must give. */
export const compareConverted: CheckpointContract['compareConverted'] = (original, config, converted) => {
  const parsed = ConfigSchema.safeParse(config);
  if (!parsed.success) return [`config.json does not say which layers have experts: ${z.prettifyError(parsed.error)}`];
  const {
    num_hidden_layers: layers,
    first_k_dense_replace: firstDense,
    n_routed_experts: experts,
  } = parsed.data.text_config;
  const expected = mergeExperts(original, { layers, firstDense, experts });
  return [...expected.problems, ...compareCheckpointTensors(expected.tensors, converted, { isWidened: false })];
};
