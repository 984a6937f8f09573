/** Outputs of the model, which are the rows of its matrices and what ranks share among them. */
export const ROWS = 128;
/** Features of a sample, which are the columns of its matrices. */
export const COLUMNS = 8;

/**
 * The tensors of the model by their names in the Hugging Face folder. `part` is what `freeze` of a spec names. All
 * matrices see the same features and their outputs add up, so any part that is not frozen learns.
 */
export const TENSORS = [
  { name: 'model.visual.blocks.0.weight', part: 'vision-encoder', shape: [ROWS, COLUMNS] },
  { name: 'model.visual.merger.weight', part: 'vision-projector', shape: [ROWS, COLUMNS] },
  { name: 'model.language_model.layers.0.weight', part: 'text-decoder', shape: [ROWS, COLUMNS] },
  { name: 'lm_head.weight', part: 'text-decoder', shape: [ROWS] },
];

/** Numbers of a tensor. */
export function countElements(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/** Key path of a tensor in a checkpoint: the state's `model`, then the wrapping module's own `model`. */
export function checkpointPath(name) {
  return ['model', `model.${name}`];
}

/** Name of a tensor in a checkpoint. */
export function checkpointName(name) {
  return checkpointPath(name).join('.');
}
