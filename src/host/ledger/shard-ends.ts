import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listFolder } from '../checkpoint/locate.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { mapBounded } from '../../domain/map-bounded.js';

/** Network file systems answer slowly but many at once; Node itself works on four. */
const STATS_IN_FLIGHT = 16;

/** When each shard of a checkpoint was written to its end, by the clock of the file system. */
export async function readShardEnds(
  dir: string,
  layout: CheckpointLayout,
): Promise<{ readonly rank: number; readonly endedAtMs: number; readonly bytes: number }[]> {
  const names = (await listFolder(dir)) ?? [];
  const ends = await mapBounded(names, STATS_IN_FLIGHT, async (name) => {
    const rank = layout.shardRank(name);
    const file = rank === null ? null : await stat(join(dir, name));
    // Ranks with nothing to save leave an empty file, whenever they like.
    return rank === null || file === null || file.size === 0
      ? []
      : [{ rank, endedAtMs: file.mtimeMs, bytes: file.size }];
  });
  return ends.flat();
}
