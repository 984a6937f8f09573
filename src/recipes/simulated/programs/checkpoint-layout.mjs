import { join } from 'node:path';
import { Float } from './pickle-writer.mjs';

/** File beside the checkpoint folders that names the newest one. */
export const TRACKER = 'latest_checkpointed_iteration.txt';

/** Version of the content of a checkpoint, an entry of its own. */
export const CHECKPOINT_VERSION = new Float(3);

/**
 * Folder of an iteration's checkpoint, or of converted weights.
 * @param {string} parent
 * @param {string} target text of a tracker: a number or `release`
 */
export function checkpointFolder(parent, target) {
  return join(parent, target === 'release' ? target : `iter_${target.padStart(7, '0')}`);
}
