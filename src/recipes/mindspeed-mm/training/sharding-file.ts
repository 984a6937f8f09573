/** Settings of the sharding (`--fsdp2-config-path`), as in the example; the code ignores keys that it does not know. */
const SETTINGS = {
  // All ranks share every parameter. Without the key each rank would hold the whole model.
  sharding_size: 'auto',
  reshard_after_forward: true,
  param_dtype: 'bf16',
  reduce_dtype: 'fp32',
  cast_forward_inputs: true,
  num_to_forward_prefetch: 0,
  num_to_backward_prefetch: 0,
  offload_to_cpu: false,
  align_fsdp_param_groups: false,
} as const;

/** Text of the sharding file: flat, so each line is a key and a JSON value, which is YAML too. */
export function shardingFile(): string {
  return Object.entries(SETTINGS)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
