import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readMetadata } from '../../../src/recipes/simulated/programs/dcp-metadata.mjs';

/**
 * Digest of all that a checkpoint of the simulated trainer holds: weights, moments, schedule, random streams. Only the
 * arguments of the launch are left out, which name the folders of their attempt.
 */
export async function digestState(folder: string): Promise<string> {
  const entries = [...(await readMetadata(folder))].filter(([name]) => name !== 'args');
  const hash = createHash('sha256');
  for (const [name, pieces] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name);
    for (const { file, offset, length } of [...pieces].sort((a, b) => (a.file < b.file ? -1 : 1))) {
      hash.update(await readPart(join(folder, file), offset, length));
    }
  }
  return hash.digest('hex');
}

async function readPart(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    await file.read(bytes, 0, length, offset);
    return bytes;
  } finally {
    await file.close();
  }
}
