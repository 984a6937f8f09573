import type { TrainingFacts } from './facts.js';

/** An argument, and why it is there; or an argument of the example that is left out, and why. */
export interface Argument {
  readonly flag: string;
  readonly values: readonly string[];
  readonly reason: string;
  readonly isGiven: boolean;
}

type Fidelity = Pick<TrainingFacts, 'spec' | 'isResume'>;

/**
 * The four flags that decide what a checkpoint holds and what a resume takes from it, and the one that lets a changed
 * schedule pass. The example sets all four always; then every resume begins optimizer and learning rate again.
 */
export function fidelityArguments({ spec, isResume }: Fidelity): readonly Argument[] {
  const { checkpoint, fromCheckpoint } = spec.train;
  const isFull = checkpoint.fidelity === 'full';
  const loads = isResume && isFull;
  const saved = isFull
    ? 'left out: train.checkpoint.fidelity is full, so a resume can go on with it'
    : 'train.checkpoint.fidelity is weights-only: saves take a third of the space, a resume begins it again';
  const loaded = (part: string): string => {
    if (loads) return `left out: this attempt resumes a full checkpoint and takes its ${part}`;
    return isResume
      ? `train.checkpoint.fidelity is weights-only: the checkpoint holds no ${part}`
      : `this attempt starts from converted weights, which hold no ${part}`;
  };
  return [
    argument('--no-load-optim', !loads, loaded('optimizer and learning-rate schedule')),
    argument('--no-load-rng', !loads, loaded('random state')),
    argument('--no-save-optim', !isFull, saved),
    argument('--no-save-rng', !isFull, saved),
    ...(fromCheckpoint !== undefined && loads
      ? [
          argument(
            '--override-opt_param-scheduler',
            true,
            'the checkpoint of train.fromCheckpoint was trained with other values; without this a changed learning rate is refused',
          ),
        ]
      : []),
  ];
}

function argument(flag: string, isGiven: boolean, reason: string): Argument {
  return { flag, values: [], reason, isGiven };
}
