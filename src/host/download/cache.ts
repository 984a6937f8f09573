import { createHash, randomUUID } from 'node:crypto';
import { chmod, copyFile, link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CachedFileSchema } from '../../schemas/fetch.js';
import type { FetchedFile } from '../../schemas/fetch.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { rangeOf, lengthOf, validatorOf } from './answer-facts.js';
import { claimDownload } from './claim.js';
import { contentProblem, hashContent, stampTime, unproven } from './content-hash.js';
import type { ContentHash } from './content-hash.js';
import { onDisk } from './failures.js';
import { giveUp } from './http-door.js';
import { discardOrphanedJournal, discardPartial, Partial } from './partial-file.js';
import type { RemoteFile } from './remote-file.js';
import { transfer } from './transfer.js';
import type { TransferOptions } from './transfer.js';
import { hasCode } from '../system-error.js';

/** A whole file in the cache, as it was just hashed. */
export interface CachedFile {
  /** Where it lies in the cache. */
  readonly cached: string;
  readonly fetched: FetchedFile;
}

/**
 * Brings one file into the cache, or finds it there; either way its content was hashed just now. A file stands under
 * its name only when it is whole and as announced. Partial files outlive processes and are continued.
 */
export async function bringToCache(cache: string, file: RemoteFile, options: TransferOptions): Promise<CachedFile> {
  await onDisk(cache, () => makeFolder(cache));
  const cached = join(cache, cacheKey(file));
  const there = async (): Promise<CachedFile | null> => findCached(cached, file, options);
  const known = await there();
  if (known !== null) {
    await discardOrphanedJournal(`${cached}.part`);
    return known;
  }
  // Looking whether a file without hash is still the server's costs a request, so waiting looks for the file only.
  const isThere = async (): Promise<boolean> =>
    (await stat(cached).catch(() => null)) !== null && file.proof.kind !== 'none';
  const claim = await claimDownload(`${cached}.claim`, options.limits, options.signal, isThere);
  if (claim === 'done') return (await there()) ?? bringToCache(cache, file, options);
  if (claim === null) {
    options.note(`${file.name}: another host downloads it but shows no life; it is downloaded beside that`);
    const own = `${cached}.${randomUUID()}.part`;
    try {
      return await download(cached, own, file, options);
    } catch (error) {
      // Nobody else knows this name, so nobody could go on from it.
      await discardPartial(own);
      throw error;
    }
  }
  try {
    return (await there()) ?? (await download(cached, `${cached}.part`, file, options));
  } finally {
    await claim.release();
  }
}

/** Puts a file of the cache at its place, as a link where the file system can, else as a copy that is hashed again. */
export async function placeFile({ cached, fetched }: CachedFile, target: string): Promise<void> {
  await onDisk(target, async () => {
    await makeFolder(dirname(target));
    const beside = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomUUID()}`);
    try {
      if (!(await isLinked(cached, beside))) {
        await copyFile(cached, beside);
        const copy = await hashContent(beside, false);
        if (copy.sha256 !== fetched.sha256) throw new Error('the copy of a downloaded file differs from it');
        await stampTime(beside, fetched.sha256);
        await syncPath(beside);
      }
      await rename(beside, target);
      await syncPath(dirname(target));
    } finally {
      // A rename onto a link to the same file does nothing and leaves both names (POSIX).
      await rm(beside, { force: true });
    }
  });
}

/** Name of a file in the cache: by content where it is known, so that revisions and hubs share equal files. */
export function cacheKey({ proof, url }: Pick<RemoteFile, 'proof' | 'url'>): string {
  return proof.kind === 'none' ? `url-${createHash('sha256').update(url).digest('hex')}` : `${proof.kind}-${proof.hex}`;
}

async function findCached(cached: string, file: RemoteFile, options: TransferOptions): Promise<CachedFile | null> {
  const info = await stat(cached).catch(() => null);
  if (info === null) return null;
  const record = file.proof.kind === 'none' ? await readJsonFile(`${cached}.json`, CachedFileSchema) : null;
  if (file.proof.kind === 'none') {
    if (record === null || record.validator === null) return null;
    if (!(await isUnchanged(file, record.bytes, record.validator, options))) return null;
  }
  const found = await hashContent(cached, file.proof.kind === 'git-blob', options.signal);
  const isSame = record === null || record.sha256 === found.sha256;
  if (!isSame || contentProblem(file, found) !== null) {
    options.note(`${file.name}: the downloaded file was changed since; it is downloaded anew`);
    await rm(cached, { force: true });
    return null;
  }
  options.onBytes(found.bytes);
  return cachedFile(cached, file, found, record?.validator ?? null);
}

/** Whether the server still has the version that is in the cache. */
async function isUnchanged(
  file: RemoteFile,
  bytes: number,
  validator: string,
  { door, signal }: TransferOptions,
): Promise<boolean> {
  const answer = await door.get(file.url, { range: 'bytes=0-0' }, signal);
  try {
    const now = answer.status === 206 ? rangeOf(answer, 0, 1).bytes : answer.status === 416 ? 0 : lengthOf(answer);
    return now === bytes && validatorOf(answer) === validator;
  } catch {
    // An answer that cannot be understood proves nothing.
    return false;
  } finally {
    giveUp(answer);
  }
}

async function download(
  cached: string,
  partPath: string,
  file: RemoteFile,
  options: TransferOptions,
): Promise<CachedFile> {
  for (const isLast of [false, true]) {
    const part = await Partial.open(partPath, file.name, options.limits);
    let validator: string | null;
    try {
      options.onBytes(part.doneBytes);
      // After wrong content the parts are not trusted: the second try is one answer from beginning to end.
      await transfer(file, part, options, isLast);
      await part.finish();
      validator = part.validator;
    } finally {
      // Whatever stopped it, a later try goes on from here.
      await part.journal().catch(() => undefined);
      await part.close();
    }
    const found = await hashContent(partPath, file.proof.kind === 'git-blob', options.signal);
    const what = contentProblem(file, found);
    if (what === null) return accept(cached, partPath, file, found, validator);
    await discardPartial(partPath);
    options.onBytes(-found.bytes);
    if (isLast) throw unproven(file, what);
    options.note(`${file.name}: ${what}; it is downloaded anew`);
  }
  throw new TypeError('unreachable: the second try returns or throws');
}

async function accept(
  cached: string,
  partPath: string,
  file: RemoteFile,
  found: ContentHash,
  validator: string | null,
): Promise<CachedFile> {
  const { bytes, sha256 } = found;
  await onDisk(cached, async () => {
    await chmod(partPath, 0o644);
    await stampTime(partPath, sha256);
    await syncPath(partPath);
    if (file.proof.kind === 'none')
      await writeJsonFile(`${cached}.json`, { v: 1, url: file.url, bytes, sha256, validator });
    await rename(partPath, cached);
    await syncPath(dirname(cached));
    await discardPartial(partPath);
  });
  return cachedFile(cached, file, found, validator);
}

function cachedFile(cached: string, file: RemoteFile, found: ContentHash, validator: string | null): CachedFile {
  const { path, proof } = file;
  const { bytes, sha256 } = found;
  const etag = proof.kind === 'none' ? validator : null;
  return { cached, fetched: { path, bytes, sha256, proof: proof.kind, etag } };
}

/** False where the file system knows no links, or the cache lies on another one. */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS')) return false;
    throw error;
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
