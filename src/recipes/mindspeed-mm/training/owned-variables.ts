/** Variables that the launch computes for each host and attempt; those of torchrun are refused for every recipe. */
const OWNED_VARIABLES: readonly string[] = [
  ...['NNODES', 'ASCEND_PROCESS_LOG_PATH', 'ASCEND_WORK_PATH'],
  ...['ASCEND_CACHE_PATH', 'HF_HOME', 'HF_DATASETS_CACHE', 'TORCH_EXTENSIONS_DIR', 'TRITON_CACHE_DIR'],
  ...['HF_HUB_OFFLINE', 'HF_DATASETS_OFFLINE', 'TRANSFORMERS_OFFLINE'],
];

/** Whether the launch sets this variable itself. */
export function isOwned(name: string): boolean {
  return OWNED_VARIABLES.includes(name);
}
