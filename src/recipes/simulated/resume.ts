import { cosineSchedule, loadsByFidelity } from '../megatron/resume.js';
import type { ResumeRecipe } from '../recipe.js';
import { frozenNames } from './work.js';
import { worldBatch } from '../stage-drafts.js';

/** What a resume of the simulated training restores; the same numbers as its programs have. */
export const resume: ResumeRecipe = {
  loads: loadsByFidelity,
  fillsMoments: true,
  schedule: (spec) => cosineSchedule(spec, worldBatch(spec) * spec.train.gradientAccumulation, 0),
  isTrained: (fqn, spec) => !frozenNames(spec).some((part) => fqn.includes(part)),
};
