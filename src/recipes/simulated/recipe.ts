import { iterationFolder, megatronLayout, RELEASE_FOLDER } from '../megatron/checkpoint-dialect.js';
import { compareConverted } from '../megatron/compare-converted.js';
import { megatronLog } from '../megatron/log-dialect.js';
import type { Recipe } from '../recipe.js';
import { environment } from './environment.js';
import { evaluation } from './evaluation.js';
import { CURVES, launch } from './launch.js';
import { lint } from './lint.js';
import { resume } from './resume.js';
import { stages } from './stages.js';
import { TEMPLATE } from './template.js';
import { verdictRules } from './verdict-rules.js';
import { work } from './work.js';

/**
 * Trains a linear model in plain Node programs that speak, save and fail as the real training code does: the whole
 * pipeline in seconds, for tests of what happens around a training. `README.md` here lists the faults it can suffer.
 */
export const simulated: Recipe = {
  id: 'simulated',
  version: 1,
  summary:
    'a linear model trained by plain Node programs in seconds, with faults on purpose; needs neither Python nor torch',
  template: TEMPLATE,
  programsFolder: 'simulated/programs',
  lint,
  stages,
  environment,
  work,
  training: {
    launch,
    log: megatronLog,
    iterationRank: (nodes, ranksPerNode) => nodes * ranksPerNode - 1,
    curves: CURVES,
    masterPorts: () => [],
    resume,
  },
  checkpoint: {
    layout: megatronLayout,
    iterationFolder,
    converted: { folder: RELEASE_FOLDER, tracker: RELEASE_FOLDER },
    compareConverted,
  },
  verdictRules,
  evaluation,
};
