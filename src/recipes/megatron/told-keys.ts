const MISSING = 'missing keys';
const UNEXPECTED = 'unexpected keys';

/**
 * Rank 0 prints both lists after each load of this format, of `release` and of an iteration alike
 * (mindspeed_mm/patchs/torch_dcp_patch.py, the same at all known commits).
 */
export const LOAD_IDS: readonly string[] = [MISSING, UNEXPECTED];

/** The lists of names that a line says are empty: what was loaded is what the model has. */
export function parseToldKeys(line: string): readonly string[] {
  return [
    ...(/Missing keys: \[\s{0,16}\]/.test(line) ? [MISSING] : []),
    ...(/Unexpected keys: \[\s{0,16}\]/.test(line) ? [UNEXPECTED] : []),
  ];
}
