import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { showBytes } from '../../domain/text/show-bytes.js';
import { DigestCacheSchema } from '../../schemas/digest-cache.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { hashFile } from '../store/manifest.js';
import { modelDir } from './paths.js';

/** A change within one tick of a file system's clock shows no other time: what is this young is hashed again. */
const SETTLED_MS = 2_000;
/** Whatever is to be hashed gets this long. */
const LEAST_MS = 60 * 60_000;
/** 10 MB/s and 50 ms a file: below what any share that can train gives, also with other readers on it. */
const BYTES_PER_MS = 10_000;
const FILE_MS = 50;

/** Hashes of files, kept from one retrain of a model to the next. */
export interface Digests {
  /** Hex sha256 of a file; read only if it is not as it was when it was last hashed. */
  hash(path: string): Promise<string>;
  /** Keeps what was asked for, and forgets the rest when that was all. */
  save(isAll: boolean): Promise<void>;
}

/** Opens the hashes of a model's retrains. What cannot be read is hashed anew. */
export async function openDigests(workspace: string, model: string, nowMs: () => number = Date.now): Promise<Digests> {
  const file = join(modelDir(workspace, model), 'digests.json');
  const known = (await readJsonFile(file, DigestCacheSchema).catch(() => null))?.files ?? {};
  const asked: Record<string, string> = {};
  const startedMs = nowMs();
  let allowedMs = LEAST_MS;
  let bytes = 0;
  return {
    async hash(path) {
      const { size, ino, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const state = `${size} ${ino} ${mtimeNs} ${ctimeNs} `;
      const before = known[path];
      if (before?.startsWith(state) === true) {
        asked[path] = before;
        return before.slice(state.length);
      }
      const takenMs = nowMs() - startedMs;
      if (takenMs > allowedMs) throw tooSlow(path, bytes, takenMs);
      const readMs = nowMs();
      const sha256 = await hashFile(path);
      bytes += Number(size);
      allowedMs += FILE_MS + Number(size) / BYTES_PER_MS;
      if (readMs - Number(ctimeNs / 1_000_000n) > SETTLED_MS) asked[path] = state + sha256;
      return sha256;
    },
    save: (isAll) => writeJsonFile(file, { v: 1, files: isAll ? asked : { ...known, ...asked } }),
  };
}

function tooSlow(path: string, bytes: number, takenMs: number): TemperError {
  return new TemperError('SourceMissing', {
    where: path,
    what: `hashing the inputs of the day took ${Math.round(takenMs / 60_000)} min for ${showBytes(bytes)}`,
    why: 'a file system that is this slow would hold up the training as well',
    fix: 'look at the mount of the data; what was hashed is not hashed again, so the next run goes on from there',
  });
}
