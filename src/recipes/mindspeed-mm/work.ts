import { assertNever } from '../../domain/assert-never.js';
import type { ProducedStage, StageFacts, StageWork } from '../recipe.js';
import { convertWork } from './convert-work.js';
import { checkWork } from './data/check-work.js';
import { dataWork } from './data/work.js';
import { exportWork } from './export-work.js';
import { verifyWork } from './verify-work.js';
import { weightsWork } from './weights-work.js';

/** Commands, proofs and outputs of each stage that runs on one host. */
export function work(stage: ProducedStage, facts: StageFacts): StageWork {
  switch (stage) {
    case 'weights':
      return weightsWork(facts);
    case 'data':
      return dataWork(facts);
    case 'check':
      return checkWork(facts);
    case 'convert':
      return convertWork(facts);
    case 'export':
      return exportWork(facts);
    case 'verify':
      return verifyWork(facts);
    default:
      return assertNever(stage);
  }
}
