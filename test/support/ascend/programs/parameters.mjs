import { RandomStream } from '../../../../src/recipes/simulated/programs/random.mjs';
import { countElements } from './model.mjs';
import { FEATURES } from './rows.mjs';

/** How far a gradient is from what can be learned, by the samples of the step and by chance. */
const NOISE = 0.01;

/** A rank's part of the model: some rows of each parameter, with the Adam moments of those that learn. */
export class Parameters {
  /**
   * Random weights until a checkpoint is loaded, as upstream has.
   * @param {readonly import('./model.mjs').Tensor[]} tensors
   * @param {{ rank: number, worldSize: number, seed: number, isFrozen: (name: string) => boolean }} options
   */
  constructor(tensors, { rank, worldSize, seed, isFrozen }) {
    this.noise = RandomStream.named(`noise ${seed} ${rank}`);
    this.steps = 0;
    let learning = 0;
    /** @type {readonly import('../../../../src/recipes/simulated/programs/model.mjs').Parameter[]} */
    this.parameters = tensors.map(({ name, shape, isBuffer }) => {
      const width = countElements(shape.slice(1));
      // A buffer is whole on every rank and stored by the first; parameters are cut along their first dimension.
      const { start, rows } = isBuffer
        ? { start: 0, rows: rank === 0 ? shape[0] : 0 }
        : share(shape[0], rank, worldSize);
      const cut = (values) => values.slice(start * width, (start + rows) * width);
      const weights = cut(drawn(`random start ${seed} ${name}`, shape, 0.05));
      const isLearning = !isBuffer && !isFrozen(name);
      const moments = isLearning
        ? { index: learning++, mean: new Float32Array(weights.length), square: new Float32Array(weights.length) }
        : null;
      return {
        name,
        size: shape,
        width,
        start,
        rows,
        weights,
        moments,
        target: isLearning ? cut(drawn(`target ${name}`, shape, 1)) : null,
      };
    });
    this.count = tensors.reduce((sum, { shape }) => sum + countElements(shape), 0);
  }

  /**
   * Loss over this part and its gradient: the sum over all ranks is the loss of the whole model.
   * @param {readonly Float64Array[]} samples features of each sample
   */
  gradient(samples) {
    const shift = new Float64Array(FEATURES);
    for (const features of samples)
      for (const [at, value] of features.entries()) shift[at] += (NOISE * value) / samples.length;
    let loss = 0;
    let squares = 0;
    const gradients = this.learning().map(({ weights, target }) => {
      const chance = this.noise.spread(NOISE);
      return Float64Array.from(weights, (value, index) => {
        const error = value - target[index] + shift[index % FEATURES] + chance;
        loss += (error * error) / this.count;
        squares += (4 * error * error) / (this.count * this.count);
        return (2 * error) / this.count;
      });
    });
    return { loss, gradients, squares };
  }

  /**
   * One Adam step.
   * @param {readonly Float64Array[]} gradients of the parameters that learn
   * @param {{ rate: number, beta1: number, beta2: number, epsilon: number, decay: number }} settings
   */
  step(gradients, { rate, beta1, beta2, epsilon, decay }) {
    this.steps += 1;
    const [meanScale, squareScale] = [1 - beta1 ** this.steps, 1 - beta2 ** this.steps];
    for (const [position, { weights, moments }] of this.learning().entries()) {
      for (const [index, gradient] of gradients[position].entries()) {
        moments.mean[index] = beta1 * moments.mean[index] + (1 - beta1) * gradient;
        moments.square[index] = beta2 * moments.square[index] + (1 - beta2) * gradient * gradient;
        const size = Math.sqrt(moments.square[index] / squareScale) + epsilon;
        weights[index] -= rate * (moments.mean[index] / meanScale / size + decay * weights[index]);
      }
    }
  }

  learning() {
    return this.parameters.filter(({ moments }) => moments !== null);
  }
}

/** Rows of a rank when a dimension is cut into as many equal parts as there are ranks, the last ones being shorter. */
function share(size, rank, worldSize) {
  const part = Math.ceil(size / worldSize);
  const start = Math.min(size, rank * part);
  return { start, rows: Math.min(size, start + part) - start };
}

/** Numbers that belong to a name. */
export function drawn(name, shape, limit) {
  const stream = RandomStream.named(name);
  return Float32Array.from({ length: countElements(shape) }, () => stream.spread(limit));
}
