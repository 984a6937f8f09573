import type { PipelineSpec } from '../../schemas/spec.js';
import { rateAfter, warmupIterations, type LearningRateSchedule } from './learning-rate.js';

/** A finding of a recipe's lint, in the form that `recipes/recipe.ts` asks for. */
interface ResumeLint {
  readonly id: string;
  readonly severity: 'error';
  readonly acceptable: true;
  readonly path: readonly string[];
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/**
 * What restarts by themselves would do to the learning rate. With weights only, every restart begins the schedule
 * again; with a warm-up that means a trained model takes steps of almost nothing and then of the peak again.
 */
export function resumeLints(
  { train, recovery }: Pick<PipelineSpec, 'train' | 'recovery'>,
  schedule: LearningRateSchedule,
): ResumeLint[] {
  const { every, fidelity } = train.checkpoint;
  const warmup = warmupIterations(schedule);
  // A last save is no place to restart from.
  const hasRestarts = recovery.maxRestartsWithoutProgress > 0 && every < train.iterations;
  if (fidelity === 'full' || warmup === 0 || !hasRestarts) return [];
  const from = Math.max(1, Math.floor(train.iterations / 2 / every)) * every;
  const rates = [0, 1, 2].map((step) => showRate(rateAfter(schedule, step)));
  return [
    {
      id: 'train/weights-only-warmup',
      severity: 'error',
      acceptable: true,
      path: ['train', 'checkpoint', 'fidelity'],
      what:
        `a restart begins the learning rate again: after one at iteration ${from} the steps have ${rates.join(', ')} instead of ` +
        `${showRate(rateAfter(schedule, from))}, and ${showRate(schedule.peak)} at iteration ${from + warmup}`,
      why: 'weights-only checkpoints hold neither the schedule nor the moments of the optimizer, and restarts happen without asking',
      fix: 'use fidelity full, set train.warmupFraction to 0, or recovery.maxRestartsWithoutProgress to 0',
    },
  ];
}

function showRate(rate: number): string {
  return String(Number(rate.toPrecision(3)));
}
