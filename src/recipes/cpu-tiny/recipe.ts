import { compareConverted } from '../megatron/compare-converted.js';
import { megatronLog } from '../megatron/log-dialect.js';
import { iterationFolder, megatronLayout, RELEASE_FOLDER } from '../megatron/checkpoint-dialect.js';
import type { Recipe } from '../recipe.js';
import { environment } from './environment.js';
import { evaluation } from './evaluation.js';
import { CURVES, launch, reasons } from './launch.js';
import { lint } from './lint.js';
import { resume } from './resume.js';
import { stages } from './stages.js';
import { TEMPLATE } from './template.js';
import { verdictRules } from './verdict-rules.js';
import { work } from './work.js';

/** Fine-tunes a real GLM-4.5V of half a million parameters on CPUs: the whole pipeline on a laptop. */
export const cpuTiny: Recipe = {
  id: 'cpu-tiny',
  version: 1,
  summary: 'a real GLM-4.5V of half a million parameters, trained on CPUs in about a minute',
  template: TEMPLATE,
  programsFolder: 'cpu-tiny/python',
  lint,
  stages,
  environment,
  work,
  training: {
    launch,
    reasons,
    log: megatronLog,
    iterationRank: (nodes, ranksPerNode) => nodes * ranksPerNode - 1,
    curves: CURVES,
    masterPorts: () => [],
    stackSignal: 'SIGUSR1',
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
