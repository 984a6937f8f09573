import { log } from '@temporalio/activity';
import type { Training } from '../host/ledger/prove.js';
import { retain } from '../host/ledger/retain.js';
import type { PipelineSpec } from '../schemas/spec.js';

/**
 * Removes checkpoints beyond those that the spec keeps. Only told when it fails: what cannot be removed costs space,
 * and the next proof tries again; it is no reason to stop a training.
 */
export async function keepCheckpoints(training: Training, { train }: PipelineSpec): Promise<void> {
  try {
    await retain(training, train.checkpoint.keep);
  } catch (error) {
    log.warn('checkpoints beyond train.checkpoint.keep could not be removed', { run: training.run, error });
  }
}
