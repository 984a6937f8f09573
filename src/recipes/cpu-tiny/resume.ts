import { cosineSchedule, loadsByFidelity } from '../megatron/resume.js';
import type { ResumeRecipe } from '../recipe.js';
import { frozenNames } from './work.js';
import { worldBatch } from '../stage-drafts.js';

/** What a resume of the tiny training restores; the same numbers as `python/train.py` and its arguments have. */
export const resume: ResumeRecipe = {
  loads: loadsByFidelity,
  // `initialize_optimizer` makes the moments before the load asks for them.
  fillsMoments: true,
  schedule: (spec) => cosineSchedule(spec, worldBatch(spec) * spec.train.gradientAccumulation, WARMUP_FRACTION),
  isTrained: (fqn, spec) => !frozenNames(spec).some((part) => fqn.includes(part)),
};

/** Default of `--lr-warmup-fraction`. */
const WARMUP_FRACTION = 0.05;
