import { cosineSchedule, loadsByFidelity } from '../../megatron/resume.js';
import type { ResumeRecipe } from '../../recipe.js';
import { WARMUP_FRACTION } from './arguments.js';
import { globalBatch } from './facts.js';
import { frozenNames } from './frozen.js';

/** What a resume of this training restores. */
export const resume: ResumeRecipe = {
  loads: loadsByFidelity,
  // MindSpeed d76dbddd makes the template of the load from an optimizer that has not stepped: it names no moments, so
  // none are asked for, even where the checkpoint has them.
  fillsMoments: false,
  schedule: (spec) => {
    const { hosts, npusPerHost } = spec.fleet;
    return cosineSchedule(spec, globalBatch({ spec, nodes: hosts, ranksPerNode: npusPerHost }), WARMUP_FRACTION);
  },
  isTrained: (fqn, spec) => !frozenNames(spec).some((part) => fqn.includes(part)),
};
