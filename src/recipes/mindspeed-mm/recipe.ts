import { iterationFolder, megatronLayout, RELEASE_FOLDER } from '../megatron/checkpoint-dialect.js';
import { compareConverted } from '../megatron/compare-converted.js';
import { megatronLog } from '../megatron/log-dialect.js';
import type { Recipe } from '../recipe.js';
import { environment } from './environment/environment.js';
import { launch, launchFiles, reasons } from './launch.js';
import { stageLints } from './lint.js';
import { preflight } from './preflight/preflight.js';
import { stages } from './stages.js';
import { TEMPLATE } from './template.js';
import { documentedVariables } from './training/environment-table.js';
import { CURVES } from './training/facts.js';
import { saidFrozen } from './training/frozen.js';
import { masterPorts } from './training/launch.js';
import { trainingLints } from './training/lint.js';
import { plannedParameters } from './sizes.js';
import { resume } from './training/resume.js';
import { verdictRules } from './verdict-rules.js';
import { modelWish } from './weights-work.js';
import { work } from './work.js';

/** Fine-tunes GLM-4.5V with MindSpeed-MM on Ascend hosts, as upstream's guide for it does. */
export const glm45v: Recipe = {
  id: 'mindspeed-mm/glm-4.5v',
  version: 1,
  summary: 'GLM-4.5V (106 billion parameters, mixture of experts) with MindSpeed-MM on hosts with Ascend devices',
  template: TEMPLATE,
  programsFolder: 'mindspeed-mm/programs',
  lint: (spec) => [...stageLints(spec), ...trainingLints(spec)],
  stages,
  environment,
  variables: documentedVariables(),
  work,
  modelWish,
  training: {
    launch,
    files: launchFiles,
    reasons,
    log: megatronLog,
    iterationRank: (nodes, ranksPerNode) => nodes * ranksPerNode - 1,
    curves: CURVES,
    masterPorts: ({ fleet }) => masterPorts(fleet.hosts),
    frozen: saidFrozen,
    plannedParameters,
    resume,
  },
  checkpoint: {
    layout: megatronLayout,
    iterationFolder,
    converted: { folder: RELEASE_FOLDER, tracker: RELEASE_FOLDER },
    compareConverted,
  },
  verdictRules,
  preflight,
};
