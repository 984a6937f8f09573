import type { LearningRateSchedule } from '../../domain/learning-rate.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { ResumeRecipe } from '../recipe.js';
import { worldBatch } from './stages.js';
import { frozenNames } from './work.js';

/** What a resume of the simulated training restores; the same numbers as its programs have. */
export const resume: ResumeRecipe = {
  loads({ train }) {
    const isFull = train.checkpoint.fidelity === 'full';
    return { optimizer: isFull, rng: isFull };
  },
  fillsMoments: true,
  schedule,
  isTrained: (fqn, spec) => !frozenNames(spec).some((part) => fqn.includes(part)),
};

function schedule(spec: PipelineSpec): LearningRateSchedule {
  const { train } = spec;
  const samplesPerIteration = worldBatch(spec) * train.gradientAccumulation;
  const samples = train.iterations * samplesPerIteration;
  return {
    peak: train.learningRate,
    min: 0,
    warmupSamples: Math.floor((train.warmupFraction ?? 0) * samples),
    decaySamples: samples,
    style: 'cosine',
    samplesPerIteration,
  };
}
