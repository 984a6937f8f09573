import type { LearningRateSchedule } from '../../domain/checkpoints/learning-rate.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { ResumeRecipe } from '../recipe.js';

/** A resume loads optimizer and random state where the checkpoints hold everything. */
export const loadsByFidelity: ResumeRecipe['loads'] = ({ train }) => {
  const isFull = train.checkpoint.fidelity === 'full';
  return { optimizer: isFull, rng: isFull };
};

/** Warm-up, then a cosine to zero at the last iteration; `warmupFraction` is the program's default. */
export function cosineSchedule(
  { train }: PipelineSpec,
  samplesPerIteration: number,
  warmupFraction: number,
): LearningRateSchedule {
  const samples = train.iterations * samplesPerIteration;
  return {
    peak: train.learningRate,
    min: 0,
    warmupSamples: Math.trunc((train.warmupFraction ?? warmupFraction) * samples),
    decaySamples: samples,
    style: 'cosine',
    samplesPerIteration,
  };
}
