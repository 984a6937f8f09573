import { createReadStream } from 'node:fs';
import { lstat, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { errorText } from '../../domain/text/error-text.js';
import { TemperError } from '../../domain/errors.js';
import { UnzipJournalSchema } from '../../schemas/fetch.js';
import type { UnzipReport } from '../../schemas/fetch.js';
import { claimDownload } from '../download/claim.js';
import { hashContent } from '../download/content-hash.js';
import { onDisk } from '../download/failures.js';
import { DOWNLOAD_LIMITS } from '../download/limits.js';
import type { FetchProgress } from '../download/run-fetch.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { assertDisk } from '../resources.js';
import { judgeArchive, openArchive, readEntries, readEntry, refused } from './archive-entries.js';
import type { ArchiveContents, ArchiveEntry } from './archive-entries.js';

/** An archive to be unpacked. */
export interface UnzipRequest {
  readonly zip: string;
  /** Folder that appears when everything is unpacked. */
  readonly output: string;
  readonly sha256?: string | undefined;
  readonly isZipRemoved: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FetchProgress) => void;
}

/**
 * Unpacks an archive into a folder beside the output, which is renamed when all entries are there and right. An
 * interrupted one is continued: what it wrote is read and compared, and only what is wrong is unpacked again.
 */
export async function runUnzip(request: UnzipRequest): Promise<UnzipReport> {
  const { zip, output, signal } = request;
  const contents = await judge(request);
  await onDisk(dirname(output), () => makeFolder(dirname(output)));
  const work = join(dirname(output), `.${basename(output)}.unzip`);
  const claim = await claimDownload(`${work}.claim`, DOWNLOAD_LIMITS, signal, () => Promise.resolve(false));
  if (claim === null || claim === 'done')
    throw new TemperError('ClaimHeld', { where: output, what: 'another host unpacks it, and shows no life' });
  try {
    const resumed = await unpack(request, contents, work);
    if (request.isZipRemoved) await rm(zip, { force: true });
    return { v: 1, zip, output, files: contents.files, bytes: contents.bytes, resumed };
  } finally {
    await claim.release();
  }
}

/** Entries that are unpacked at once: hides the latency of opening and closing many small files. */
const AT_ONCE = 16;
/** Entries between two entries of the journal. */
const JOURNAL_EVERY = 512;

async function judge({ zip, output, sha256, signal }: UnzipRequest): Promise<ArchiveContents> {
  if ((await stat(zip).catch(() => null)) === null)
    throw new TemperError('SourceMissing', { where: zip, what: 'the archive is not there' });
  if (sha256 !== undefined) {
    const found = await hashContent(zip, false, signal);
    if (found.sha256 !== sha256)
      throw new TemperError('DownloadUnproven', { where: zip, what: `its sha256 is ${found.sha256}, not ${sha256}` });
  }
  const contents = await judgeArchive(zip);
  const isThere = (await stat(output).catch(() => null)) !== null;
  // What a bomb declares does not fit; what it does not declare is not unpacked.
  if (!isThere) await assertDisk(dirname(output), contents.bytes, 'for what the archive holds');
  return contents;
}

/** Unpacks what is not there; answers how many files were there and right. */
async function unpack(request: UnzipRequest, contents: ArchiveContents, work: string): Promise<number> {
  const { zip, output } = request;
  const journal = `${work}.json`;
  // A folder that stands already is accepted as it is, or not at all: it may be somebody's.
  const isThere = (await stat(output).catch(() => null)) !== null;
  const known = await readJsonFile(journal, UnzipJournalSchema);
  const begun = known?.archive === contents.fingerprint ? known.entries : 0;
  if (!isThere && begun === 0) await onDisk(work, () => rm(work, { recursive: true, force: true }));
  const site: Site = { request, dir: isThere ? output : work, isOnlyCompared: isThere, zip: await openArchive(zip) };
  const seen = { entries: 0, resumed: 0, doneBytes: 0, doneFiles: 0 };
  try {
    await onDisk(site.dir, () => makeFolder(site.dir));
    for await (const batch of batches(readEntries(zip, site.zip))) {
      request.signal.throwIfAborted();
      const first = seen.entries;
      const done = await settled(batch.map((raw, index) => bring(site, raw, isThere || first + index < begun)));
      seen.entries += batch.length;
      for (const { entry, isResumed } of done) {
        seen.resumed += isResumed ? 1 : 0;
        seen.doneBytes += entry.bytes;
        seen.doneFiles += entry.isFolder ? 0 : 1;
      }
      const { doneBytes, doneFiles } = seen;
      request.onProgress({ doneBytes, totalBytes: contents.bytes, doneFiles, files: contents.files });
      if (isThere || seen.entries < begun || seen.entries % JOURNAL_EVERY >= AT_ONCE) continue;
      const state = { v: 1, archive: contents.fingerprint, entries: seen.entries };
      await onDisk(journal, () => writeJsonFile(journal, state));
    }
    if (!isThere) await onDisk(output, () => rename(work, output));
    await rm(journal, { force: true });
    return seen.resumed;
  } finally {
    site.zip.close();
  }
}

interface Site {
  readonly request: UnzipRequest;
  readonly dir: string;
  /** Nothing is written: the folder stood already. */
  readonly isOnlyCompared: boolean;
  readonly zip: ZipFile;
}

async function* batches(entries: AsyncIterable<Entry>): AsyncGenerator<readonly Entry[]> {
  let batch: Entry[] = [];
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Results of all, when all have ended: after a failure nothing writes on. */
async function settled<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(works);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Makes one entry stand as it must, by looking where it may stand already, by unpacking it else. */
async function bring(
  site: Site,
  raw: Entry,
  isLookedAt: boolean,
): Promise<{ readonly entry: ArchiveEntry; readonly isResumed: boolean }> {
  const { request, dir, isOnlyCompared } = site;
  const entry = readEntry(request.zip, raw);
  const path = join(dir, entry.path);
  if (isLookedAt && (await isRight(path, entry))) return { entry, isResumed: !entry.isFolder };
  if (isOnlyCompared) {
    throw new TemperError('WorkspaceUnusable', {
      where: path,
      what: 'the output folder stands already, and this entry in it is not as in the archive',
      fix: 'remove the folder, or give another one',
    });
  }
  if (entry.isFolder) await onDisk(path, () => makeFolder(path));
  else await unpackEntry(site, raw, entry, path);
  return { entry, isResumed: false };
}

async function isRight(path: string, { isFolder, bytes, crc32: wanted }: ArchiveEntry): Promise<boolean> {
  const info = await lstat(path).catch(() => null);
  if (isFolder || info === null) return info?.isDirectory() === true;
  if (!info.isFile() || info.size !== bytes) return false;
  let found = 0;
  for await (const chunk of createReadStream(path)) found = crc32(chunk as Buffer, found);
  return found === wanted;
}

async function unpackEntry({ request, zip }: Site, raw: Entry, entry: ArchiveEntry, path: string): Promise<void> {
  const handle = await onDisk(path, async () => {
    await makeFolder(dirname(path));
    return open(path, 'w', 0o644);
  });
  let found = 0;
  try {
    const stream = await dataOf(zip, raw, request.zip, entry.path);
    try {
      for await (const data of stream) {
        // Safe: a stream without encoding gives buffers.
        const chunk = data as Buffer;
        found = crc32(chunk, found);
        await onDisk(path, () => handle.writeFile(chunk));
      }
    } catch (error) {
      if (error instanceof TemperError) throw error;
      throw refused(request.zip, `the entry ${entry.path} cannot be unpacked`, errorText(error));
    }
  } finally {
    await handle.close();
  }
  if (found !== entry.crc32)
    throw refused(request.zip, `the entry ${entry.path} has the CRC ${hex(found)}, not ${hex(entry.crc32)}`);
}

async function dataOf(zip: ZipFile, raw: Entry, archive: string, path: string): Promise<Readable> {
  try {
    return await zip.openReadStreamPromise(raw);
  } catch (error) {
    throw refused(archive, `the entry ${path} cannot be read`, errorText(error));
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
