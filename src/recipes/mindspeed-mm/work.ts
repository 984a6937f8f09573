import { workByStage } from '../stage-work.js';
import { convertWork } from './convert-work.js';
import { checkWork } from './data/check-work.js';
import { dataWork } from './data/work.js';
import { exportWork } from './export-work.js';
import { verifyWork } from './verify-work.js';
import { weightsWork } from './weights-work.js';

/** Commands, proofs and outputs of each stage that runs on one host. */
export const work = workByStage({
  weights: weightsWork,
  data: dataWork,
  check: checkWork,
  convert: convertWork,
  export: exportWork,
  verify: verifyWork,
});
