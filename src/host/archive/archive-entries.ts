import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Entry, ZipFile } from 'yauzl';
import { errorText } from '../../domain/text/error-text.js';
import { openPromise } from 'yauzl';
import { TemperError } from '../../domain/errors.js';

/** One entry of an archive that is safe to unpack. */
export interface ArchiveEntry {
  /** Path within the folder; a folder's has no `/` at its end. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly bytes: number;
  readonly crc32: number;
}

/** What the central directory of an archive says, after it was judged. */
export interface ArchiveContents {
  readonly files: number;
  readonly bytes: number;
  readonly entries: number;
  /** Hash of all entries: tells archives apart without reading their data. */
  readonly fingerprint: string;
}

/** Opens an archive; the caller closes it. */
export async function openArchive(path: string): Promise<ZipFile> {
  try {
    // Sizes are judged while data is read: more bytes than declared end the entry with an error.
    return await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
  } catch (error) {
    throw refused(path, 'it cannot be opened as a zip archive', errorText(error));
  }
}

/**
 * Judges all entries of an archive before anything is unpacked: none may leave its folder, be a link or a device,
 * stand twice or share its data with another one, or be stored in a way that cannot be read.
 */
export async function judgeArchive(path: string): Promise<ArchiveContents> {
  const hash = createHash('sha256');
  const seen = new Map<string, boolean>();
  const spans: (readonly [from: number, to: number, name: string])[] = [];
  let [files, bytes, entries] = [0, 0, 0];
  for await (const raw of readAllEntries(path)) {
    const entry = readEntry(path, raw);
    const known = seen.get(entry.path);
    if (known !== undefined && !(known && entry.isFolder)) throw refused(path, `${entry.path} stands in it twice`);
    seen.set(entry.path, entry.isFolder);
    // 30 bytes is the fixed part of a local header (APPNOTE 4.3.7).
    const from = raw.relativeOffsetOfLocalHeader;
    spans.push([from, from + 30 + raw.compressedSize, entry.path]);
    hash.update(JSON.stringify([entry.path, entry.isFolder, entry.bytes, entry.crc32, from]));
    entries += 1;
    files += entry.isFolder ? 0 : 1;
    bytes += entry.bytes;
  }
  for (const [name] of seen) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      if (seen.get(name.slice(0, at)) === false)
        throw refused(path, `${name.slice(0, at)} is a file and a folder in it`);
    }
  }
  refuseSharedData(path, spans);
  return { files, bytes, entries, fingerprint: hash.digest('hex') };
}

/** All entries; when the count of the archive ends before its list does, the rest is not left out silently. */
async function* readAllEntries(path: string): AsyncGenerator<Entry> {
  const zip = await openArchive(path);
  try {
    yield* readEntries(path, zip);
    // Typed as a boolean, and a number.
    const next = await signatureAt(path, Number(zip.readEntryCursor));
    if (next === ENTRY_SIGNATURE)
      throw refused(
        path,
        `it says that it has ${zip.entryCount} entries, and more follow`,
        'some programs, the Archive Utility of macOS among them, count only to 65535; pack it with zip -r, or unpack it by hand and name the folder',
      );
  } finally {
    zip.close();
  }
}

async function signatureAt(path: string, offset: number): Promise<number | null> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, offset);
    return bytesRead === 4 ? buffer.readUInt32LE() : null;
  } finally {
    await file.close();
  }
}

/** All entries, in the order of the archive. */
export async function* readEntries(path: string, zip?: ZipFile): AsyncGenerator<Entry> {
  const opened = zip ?? (await openArchive(path));
  try {
    for await (const entry of opened.eachEntry()) yield entry;
  } catch (error) {
    if (error instanceof TemperError) throw error;
    throw refused(path, 'its list of entries is damaged or unsafe', errorText(error));
  } finally {
    if (zip === undefined) opened.close();
  }
}

/** An entry as it is unpacked; throws when it must not be. */
export function readEntry(archive: string, entry: Entry): ArchiveEntry {
  const { fileName, externalFileAttributes, compressionMethod, uncompressedSize, crc32 } = entry;
  const isFolder = fileName.endsWith('/');
  // `zip -r x.zip ./a` keeps the dot, which means nothing; the folder of all has no name then.
  const name = fileName.replace(/^(\.\/)+/, '');
  const path = name.endsWith('/') ? name.slice(0, -1) : name;
  const isRoot = path === '' && isFolder && fileName.startsWith('./');
  const parts = isRoot ? [] : path.split('/');
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  const isSafe = !/[\u0000-\u001f\u007f]/.test(path) && parts.every((part) => !['', '.', '..'].includes(part));
  if (!isSafe)
    throw refused(archive, `the entry ${JSON.stringify(fileName)} would leave its folder or has no proper name`);
  const long = parts.find((part) => Buffer.byteLength(part) > MAX_NAME_BYTES);
  if (long !== undefined)
    throw refused(archive, `the entry ${path.slice(0, 80)}… has a name of ${Buffer.byteLength(long)} bytes`);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw refused(archive, `the entry ${path.slice(0, 80)}… has a path of ${Buffer.byteLength(path)} bytes`);
  // Upper half of the attributes: the mode of the file where the archive was made on Unix, else 0.
  const type = (externalFileAttributes >>> 16) & FILE_TYPE;
  if (type !== 0 && type !== (isFolder ? FOLDER : FILE))
    throw refused(archive, `the entry ${path} is ${type === LINK ? 'a symbolic link' : 'no plain file'}`);
  if (entry.isEncrypted()) throw refused(archive, `the entry ${path} is encrypted`);
  if (!isFolder && compressionMethod !== STORED && compressionMethod !== DEFLATED)
    throw refused(archive, `the entry ${path} is compressed with method ${compressionMethod}, which is not supported`);
  return { path, isFolder, bytes: uncompressedSize, crc32 };
}

/** The error of an archive that must not be unpacked. */
export function refused(where: string, what: string, why?: string): TemperError {
  return new TemperError('ArchiveRefused', { where, what, ...(why === undefined ? {} : { why }) });
}

/** What file systems of Linux take as one name (limits.h, NAME_MAX). */
const MAX_NAME_BYTES = 255;
/** Half of what they take as a path (PATH_MAX): the folder that it is unpacked to comes before it. */
const MAX_PATH_BYTES = 2_048;
/** Type bits of a Unix mode (inode(7)). */
const FILE_TYPE = 0o170000;
const FILE = 0o100000;
const FOLDER = 0o040000;
const LINK = 0o120000;
/** Begin of an entry of the central directory (APPNOTE 4.3.12). */
const ENTRY_SIGNATURE = 0x02014b50;
/** Compression methods (APPNOTE 4.4.5). */
const STORED = 0;
const DEFLATED = 8;

/** Entries that share data make small archives unpack to huge folders, each entry being sound by itself. */
function refuseSharedData(path: string, spans: (readonly [from: number, to: number, name: string])[]): void {
  let end = 0;
  let last = '';
  for (const [from, to, name] of spans.toSorted(([a], [b]) => a - b)) {
    if (from < end) throw refused(path, `the entries ${last} and ${name} share their data`);
    [end, last] = [to, name];
  }
}
