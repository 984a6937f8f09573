import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointSeal, ShardSeal } from '../../schemas/ledger.js';
import type { FileProblem } from '../../schemas/model-files.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { METADATA_FILE } from './locate.js';
import { checkpointProblem, isRefusedForGood } from './problems.js';
import { errorName, hasCode } from '../system-error.js';

/**
 * Seals a checkpoint that was just found complete. Reads at most 3 MiB of each shard and the whole `.metadata`, so a
 * seal of 128 shards costs 384 MiB of reads however large they are.
 *
 * @param shards names of the shards that the metadata lists
 */
export async function sealCheckpoint(dir: string, shards: readonly string[]): Promise<CheckpointSeal> {
  return {
    metadataSha256: await hashWhole(join(dir, METADATA_FILE)),
    shards: [...(await mapBounded([...shards].toSorted(), SHARDS_IN_FLIGHT, (file) => sealShard(dir, file)))],
  };
}

/**
 * What of a checkpoint is not as it was sealed. A file that is gone or refused for good counts as changed, and says why;
 * any other error, such as that of a mount that may come back, tells nothing about the file and is thrown.
 */
export async function findBrokenSeals(dir: string, seal: CheckpointSeal): Promise<readonly FileProblem[]> {
  const metadata = await findBrokenMetadata(join(dir, METADATA_FILE), seal.metadataSha256);
  const shards = await mapBounded(seal.shards, SHARDS_IN_FLIGHT, (shard) => findBrokenShard(dir, shard));
  return [metadata, ...shards].filter((problem) => problem !== null);
}

const MIB = 1024 * 1024;

/** Node works on four file requests at once. */
const SHARDS_IN_FLIGHT = 4;

async function sealShard(dir: string, file: string): Promise<ShardSeal> {
  const path = join(dir, file);
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return { file, bytes: size, sha256: await hashParts(handle, samplesOf(size)) };
  } finally {
    await handle.close();
  }
}

async function findBrokenShard(dir: string, { file, bytes, sha256 }: ShardSeal): Promise<FileProblem | null> {
  const path = join(dir, file);
  try {
    const now = await sealShard(dir, file);
    if (now.bytes !== bytes) {
      return checkpointProblem('shard-changed', path, `${now.bytes} bytes, it had ${bytes} when it was proven`);
    }
    if (now.sha256 === sha256) return null;
    return checkpointProblem('shard-changed', path, 'its content is not the one that was proven');
  } catch (error) {
    return unreadable('shard-changed', path, error);
  }
}

async function findBrokenMetadata(path: string, sha256: string): Promise<FileProblem | null> {
  try {
    if ((await hashWhole(path)) === sha256) return null;
    return checkpointProblem('metadata-changed', path, 'its content is not the one that was proven');
  } catch (error) {
    return unreadable('metadata-changed', path, error);
  }
}

function unreadable(id: 'shard-changed' | 'metadata-changed', path: string, error: unknown): FileProblem {
  if (!isRefusedForGood(error) && !hasCode(error, 'ENOENT')) throw error;
  return checkpointProblem(id, path, `it cannot be read any more: ${errorName(error)}`);
}

async function hashWhole(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    return await hashParts(handle, [{ start: 0, end: (await handle.stat()).size }]);
  } finally {
    await handle.close();
  }
}

interface Part {
  readonly start: number;
  /** First byte behind the part. */
  readonly end: number;
}

/** First, middle and last MiB; small files whole. They never overlap, so no byte counts twice. */
function samplesOf(size: number): readonly Part[] {
  if (size <= 3 * MIB) return [{ start: 0, end: size }];
  const middle = Math.floor((size - MIB) / 2);
  return [
    { start: 0, end: MIB },
    { start: middle, end: middle + MIB },
    { start: size - MIB, end: size },
  ];
}

async function hashParts(handle: FileHandle, parts: readonly Part[]): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(MIB);
  for (const { start, end } of parts) {
    for (let at = start; at < end;) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(MIB, end - at), at);
      // The file became shorter between the two looks: what is hashed then equals no seal.
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }
  return hash.digest('hex');
}
