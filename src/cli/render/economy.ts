import type { CheckpointEconomy } from '../../schemas/checkpoint.js';
import { showBytes } from '../../domain/text/show-bytes.js';
import { showDuration, showShare } from './units.js';

/** What checkpoints cost, as lines of `temper plan`. */
export function renderEconomy(economy: CheckpointEconomy): string[] {
  const { bytesPerSave, saveMs, loadMs, saves, shareOfRun, peakBytes, youngMs, youngIterations, mtbfMs } = economy;
  const {
    writeBytesPerSecond,
    readBytesPerSecond,
    isReadCached,
    isSizePlanned,
    cheapIterationMs,
    saveBudgetMs,
    loadBudgetMs,
  } = economy;
  const share =
    shareOfRun === null
      ? `below a tenth of the run if an iteration takes ${showDuration(cheapIterationMs)} or more`
      : `${showShare(shareOfRun)} of the run`;
  return [
    'checkpoints',
    `  ${saves} saves of ${showBytes(bytesPerSave)}, up to ${showBytes(peakBytes)} at once${isSizePlanned === true ? ' (by the size of the released model; nothing is converted yet)' : ''}`,
    `  ${showDuration(saveMs)} to save, ${showDuration(loadMs)} to load, ${share}`,
    `  measured here: ${showBytes(writeBytesPerSecond)}/s to disk, ${showBytes(readBytesPerSecond)}/s back${isReadCached ? ' (from the cache)' : ''}`,
    `  interval by Young's formula: ${showDuration(youngMs)}${youngIterations === null ? '' : `, ${youngIterations} iterations`} (one failure per ${showDuration(mtbfMs)} assumed)`,
    `  a save is given at least ${showDuration(saveBudgetMs)}, a load ${showDuration(loadBudgetMs)}`,
  ];
}
