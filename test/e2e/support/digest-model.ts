import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Digest of all weights of an exported model, shard by shard. */
export async function digestModel(dir: string): Promise<string> {
  const hash = createHash('sha256');
  const shards = (await readdir(dir)).filter((name) => name.endsWith('.safetensors')).sort();
  if (shards.length === 0) throw new Error(`${dir} holds no weights`);
  for (const shard of shards) hash.update(await readFile(join(dir, shard)));
  return hash.digest('hex');
}
