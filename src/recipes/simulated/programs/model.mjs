import { RandomStream } from './random.mjs';
import { COLUMNS, ROWS, TENSORS, countElements } from './model-shape.mjs';

/** How far labels are from what can be learned; drawn anew each step, so a resume must restore the stream. */
const NOISE = 0.01;

/**
 * A rank's part of the model: some rows of every tensor, with the Adam moments of those that learn.
 * @typedef {{ name: string, size: readonly number[], width: number, start: number, rows: number, weights: Float32Array,
 *   moments: { index: number, mean: Float32Array, square: Float32Array } | null }} Parameter
 */
export class ModelShard {
  /**
   * Random weights until a checkpoint is loaded, as upstream has.
   * @param {{ rank: number, worldSize: number, seed: number, frozen: ReadonlySet<string> }} options
   */
  constructor({ rank, worldSize, seed, frozen }) {
    const share = Math.ceil(ROWS / worldSize);
    this.start = Math.min(ROWS, rank * share);
    this.end = Math.min(ROWS, this.start + share);
    this.noise = RandomStream.named(`noise ${seed} ${rank}`);
    this.steps = 0;
    let learning = 0;
    /** @type {readonly Parameter[]} */
    this.parameters = TENSORS.map(({ name, part, shape }) => {
      const width = countElements(shape.slice(1));
      const weights = randomWeights(`random start ${seed} ${name}`, shape).slice(this.start * width, this.end * width);
      const moments = frozen.has(part)
        ? null
        : { index: learning++, mean: new Float32Array(weights.length), square: new Float32Array(weights.length) };
      return { name, size: shape, width, start: this.start, rows: this.rows, weights, moments };
    });
  }

  get rows() {
    return this.end - this.start;
  }

  /**
   * Loss and gradient of a batch over this shard's rows: the sum over them, so that ranks add up to the whole.
   * @param {readonly Float64Array[]} samples features of each sample
   */
  gradient(samples) {
    const slopes = new Float64Array(this.rows * COLUMNS);
    const shifts = new Float64Array(this.rows);
    let loss = 0;
    for (let row = 0; row < this.rows; row += 1) {
      const mixed = this.mixedRow(row);
      const noise = this.noise.spread(NOISE);
      for (const features of samples) {
        const error = dot(mixed.weights, features) + mixed.shift - teach(this.start + row, features) - noise;
        loss += (error * error) / (samples.length * ROWS);
        shifts[row] += (2 * error) / samples.length;
        for (let column = 0; column < COLUMNS; column += 1) {
          slopes[row * COLUMNS + column] += (2 * error * features[column]) / samples.length;
        }
      }
    }
    const learning = this.parameters.filter(({ moments }) => moments !== null);
    const gradients = learning.map(({ width }) => (width === 1 ? shifts : slopes));
    return { loss, gradients, squares: gradients.reduce((sum, values) => sum + dot(values, values), 0) };
  }

  /**
   * One Adam step; numbers are kept in 32 bits, so that a checkpoint holds them exactly.
   * @param {readonly Float64Array[]} gradients of the parameters that learn, in their order
   * @param {{ rate: number, scale: number, beta1: number, beta2: number, epsilon: number, decay: number }} settings
   */
  step(gradients, { rate, scale, beta1, beta2, epsilon, decay }) {
    this.steps += 1;
    const meanScale = 1 - beta1 ** this.steps;
    const squareScale = 1 - beta2 ** this.steps;
    const learning = this.parameters.filter(({ moments }) => moments !== null);
    for (const [position, { weights, moments }] of learning.entries()) {
      for (const [index, raw] of gradients[position].entries()) {
        const gradient = raw * scale;
        moments.mean[index] = beta1 * moments.mean[index] + (1 - beta1) * gradient;
        moments.square[index] = beta2 * moments.square[index] + (1 - beta2) * gradient * gradient;
        const size = Math.sqrt(moments.square[index] / squareScale) + epsilon;
        weights[index] -= rate * (moments.mean[index] / meanScale / size + decay * weights[index]);
      }
    }
  }

  /** The matrices of one row added up, and its shift. */
  mixedRow(row) {
    const weights = new Float64Array(COLUMNS);
    let shift = 0;
    for (const { width, weights: values } of this.parameters) {
      if (width === 1) shift += values[row];
      else for (let column = 0; column < COLUMNS; column += 1) weights[column] += values[row * COLUMNS + column];
    }
    return { weights, shift };
  }
}

/**
 * Random weights that belong to a name.
 * @param {string} name
 * @param {readonly number[]} shape
 */
export function randomWeights(name, shape) {
  const stream = RandomStream.named(name);
  return Float32Array.from({ length: countElements(shape) }, () => stream.spread(0.05));
}

/**
 * Mean squared error of a whole model over some samples, without noise; 0 for no samples.
 * @param {ReadonlyMap<string, Float32Array>} tensors by name
 * @param {readonly Float64Array[]} samples
 */
export function meanLoss(tensors, samples) {
  const whole = new ModelShard({ rank: 0, worldSize: 1, seed: 0, frozen: new Set() });
  for (const { name, weights } of whole.parameters) weights.set(tensors.get(name));
  let sum = 0;
  for (let row = 0; row < ROWS; row += 1) {
    const { weights, shift } = whole.mixedRow(row);
    for (const features of samples) sum += (dot(weights, features) + shift - teach(row, features)) ** 2;
  }
  return sum / Math.max(1, samples.length * ROWS);
}

/** What is to be learned; the same for every seed and data set, so that held-out rows can be answered. */
const TEACHER = randomTeacher();

function randomTeacher() {
  const stream = RandomStream.named('teacher');
  return Float64Array.from({ length: ROWS * COLUMNS }, () => stream.spread(0.2));
}

/** The right answer of an output for a sample. */
function teach(row, features) {
  return dot(TEACHER.subarray(row * COLUMNS, (row + 1) * COLUMNS), features);
}

function dot(left, right) {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += left[index] * right[index];
  return sum;
}
