import type { LearningRateSchedule } from '../../../domain/learning-rate.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { ResumeRecipe } from '../../recipe.js';
import { WARMUP_FRACTION } from './arguments.js';
import { globalBatch } from './facts.js';
import { frozenNames } from './model-file.js';

/** What a resume of this training restores. */
export const resume: ResumeRecipe = {
  loads({ train }) {
    const isFull = train.checkpoint.fidelity === 'full';
    return { optimizer: isFull, rng: isFull };
  },
  // MindSpeed d76dbddd makes the template of the load from an optimizer that has not stepped: it names no moments, so
  // none are asked for, even where the checkpoint has them.
  fillsMoments: false,
  schedule,
  isTrained: (fqn, spec) => !frozenNames(spec).some((part) => fqn.includes(part)),
};

/** The schedule of the launch's arguments: warm-up, then a cosine to zero at the last iteration. */
function schedule(spec: PipelineSpec): LearningRateSchedule {
  const { train, fleet } = spec;
  const samplesPerIteration = globalBatch({ spec, nodes: fleet.hosts, ranksPerNode: fleet.npusPerHost });
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
