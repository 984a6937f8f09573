import type { LearningRateSchedule } from '../../domain/learning-rate.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { ResumeRecipe } from '../recipe.js';
import { worldBatch } from './stages.js';
import { frozenNames } from './work.js';

/** What a resume of the tiny training restores; the same numbers as `python/train.py` and its arguments have. */
export const resume: ResumeRecipe = {
  loads({ train }) {
    const isFull = train.checkpoint.fidelity === 'full';
    return { optimizer: isFull, rng: isFull };
  },
  // `initialize_optimizer` makes the moments before the load asks for them.
  fillsMoments: true,
  schedule,
  isTrained: (fqn, spec) => !frozenNames(spec).some((part) => fqn.includes(part)),
};

/** Default of `--lr-warmup-fraction`. */
const WARMUP_FRACTION = 0.05;

function schedule(spec: PipelineSpec): LearningRateSchedule {
  const { train } = spec;
  const samplesPerIteration = worldBatch(spec) * train.gradientAccumulation;
  const samples = train.iterations * samplesPerIteration;
  return {
    peak: train.learningRate,
    min: 0,
    warmupSamples: Math.trunc((train.warmupFraction ?? WARMUP_FRACTION) * samples),
    decaySamples: samples,
    style: 'cosine',
    samplesPerIteration,
  };
}
