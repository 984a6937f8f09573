import { PythonError } from '../../../../src/recipes/simulated/programs/program-errors.mjs';
import { expertsOf } from './model.mjs';

/** @typedef {import('./safetensors.mjs').Stored} Stored */

/**
 * Puts the experts of each layer together: gate above up, each transposed, one expert below the other.
 * @param {ReadonlyMap<string, Stored>} tensors changed in place by nobody
 * @param {Record<string, any>} config
 * @param {(done: number, of: number) => void} progress
 * @returns {Map<string, Stored>}
 */
export function mergeExperts(tensors, config, progress) {
  const merged = new Map(tensors);
  const take = (name) => {
    const tensor = merged.get(name);
    if (tensor === undefined) throw new PythonError('KeyError', `'${name}'`);
    merged.delete(name);
    return tensor;
  };
  forEachLayer(config, progress, (layer, experts) => {
    const at = expertsOf(layer);
    const gateUp = [];
    const down = [];
    for (let expert = 0; expert < experts; expert += 1) {
      const [gate, up] = ['gate_proj', 'up_proj'].map((part) => take(`${at}.${expert}.${part}.weight`));
      gateUp.push(transposed(below([gate, up])));
      down.push(transposed(take(`${at}.${expert}.down_proj.weight`)));
    }
    merged.set(`${at}.gate_up_proj`, below(gateUp));
    merged.set(`${at}.down_proj`, below(down));
  });
  return merged;
}

/**
 * The way back.
 * @param {ReadonlyMap<string, Stored>} tensors
 * @param {Record<string, any>} config
 * @param {(done: number, of: number) => void} progress
 * @returns {Map<string, Stored>}
 */
export function splitExperts(tensors, config, progress) {
  const split = new Map(tensors);
  forEachLayer(config, progress, (layer, experts) => {
    const at = expertsOf(layer);
    const [gateUp, down] = ['gate_up_proj', 'down_proj'].map((part) => {
      const tensor = split.get(`${at}.${part}`);
      if (tensor === undefined) throw new PythonError('KeyError', `'${at}.${part}'`);
      split.delete(`${at}.${part}`);
      return parts(tensor, experts).map(transposed);
    });
    for (let expert = 0; expert < experts; expert += 1) {
      const [gate, up] = parts(gateUp[expert], 2);
      split.set(`${at}.${expert}.gate_proj.weight`, gate);
      split.set(`${at}.${expert}.up_proj.weight`, up);
      split.set(`${at}.${expert}.down_proj.weight`, down[expert]);
    }
  });
  return split;
}

function forEachLayer({ text_config: text }, progress, work) {
  const { num_hidden_layers: layers, first_k_dense_replace: dense, n_routed_experts: experts } = text;
  for (let layer = dense; layer < layers; layer += 1) {
    progress(layer - dense, layers - dense);
    work(layer, experts);
  }
  progress(layers - dense, layers - dense);
}

/** Matrices of one width, one below the other. */
function below(matrices) {
  const [{ dtype, shape }] = matrices;
  const rows = matrices.reduce((sum, one) => sum + one.shape[0], 0);
  return { dtype, shape: [rows, shape[1]], bytes: Buffer.concat(matrices.map(({ bytes }) => bytes)) };
}

/** A matrix cut into equal parts. */
function parts({ dtype, shape: [rows, columns], bytes }, count) {
  const size = bytes.length / count;
  return Array.from({ length: count }, (_, index) => ({
    dtype,
    shape: [rows / count, columns],
    bytes: bytes.subarray(index * size, (index + 1) * size),
  }));
}

function transposed({ dtype, shape: [rows, columns], bytes }) {
  const size = bytes.length / (rows * columns);
  const turned = Buffer.alloc(bytes.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1)
      bytes.copy(
        turned,
        (column * rows + row) * size,
        (row * columns + column) * size,
        (row * columns + column + 1) * size,
      );
  }
  return { dtype, shape: [columns, rows], bytes: turned };
}
