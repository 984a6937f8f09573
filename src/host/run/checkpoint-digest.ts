import { readdir } from 'node:fs/promises';
import { fingerprint } from '../../domain/fingerprint.js';
import { sealCheckpoint } from '../checkpoint/seal.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';

/** Hash over the seal of a complete checkpoint: equal for copies of it, wherever they lie. */
export async function checkpointDigest(dir: string, layout: CheckpointLayout): Promise<string> {
  const shards = (await readdir(dir)).filter((name) => layout.shardRank(name) !== null);
  return fingerprint(await sealCheckpoint(dir, shards));
}
