import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fingerprint } from '../../domain/fingerprint.js';
import type { ManifestEntry } from '../../schemas/receipt.js';
import { sumFolder } from './sum-folder.js';

/** Up to here hashing costs less than it saves (64 MB is about 40 ms); above, size and time stand for the content. */
const HASH_LIMIT_BYTES = 64 * 1024 * 1024;

/** Files that say where an output came from and how it was made, with times and places: no part of what it is. */
const ABOUT = ['.origin.json', '.report.json'];

/**
 * What an output consists of, sorted by path. `summed` names folders (relative to the root) of very many files, such as
 * unpacked images: each is one entry.
 */
export async function makeManifest(
  root: string,
  summed: readonly string[] = [],
  hash = hashFile,
): Promise<ManifestEntry[]> {
  const entries = await describeFiles(root, summed, hash);
  return entries.filter(({ path }) => !ABOUT.some((ending) => path.endsWith(ending)));
}

/** All files below a folder (or the file itself) with sizes, times and, where small, hashes; sorted by path. */
export async function describeFiles(
  root: string,
  summed: readonly string[] = [],
  hash = hashFile,
): Promise<ManifestEntry[]> {
  const info = await stat(root);
  const folders = summed.map((folder) => join(root, folder));
  const files = info.isDirectory() ? await listFiles(root, new Set(folders)) : [root];
  const entries: ManifestEntry[] = [];
  for (const folder of folders) entries.push({ path: relative(root, folder) || '.', ...(await sumFolder(folder)) });
  for (const file of files) {
    const { size, mtimeMs } = await stat(file);
    const sha256 = size <= HASH_LIMIT_BYTES ? { sha256: await hash(file) } : {};
    entries.push({ path: relative(root, file) || '.', bytes: size, mtimeMs, ...sha256 });
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Digest of a manifest: content only, so that an output made again with the same bytes has the same digest. */
export function manifestDigest(manifest: readonly ManifestEntry[]): string {
  return fingerprint(
    manifest.map(({ path, bytes, sha256, mtimeMs }) =>
      sha256 === undefined ? [path, bytes, mtimeMs] : [path, bytes, sha256],
    ),
  );
}

/** First difference between a manifest and what is on disk now, or null. Unchanged size and time count as unchanged. */
export async function findChange(root: string, manifest: readonly ManifestEntry[]): Promise<string | null> {
  for (const entry of manifest) {
    const file = entry.path === '.' ? root : join(root, entry.path);
    const info = await stat(file).catch(() => null);
    if (info === null) return `${file} is missing`;
    if (entry.files !== undefined) {
      const found = await sumFolder(file);
      if (found.sha256 === entry.sha256) continue;
      return `${file} is not as it was proven: ${found.files} files with ${found.bytes} bytes instead of ${entry.files} with ${entry.bytes}`;
    }
    if (info.size !== entry.bytes) return `${file} has ${info.size} bytes instead of ${entry.bytes}`;
    if (info.mtimeMs === entry.mtimeMs) continue;
    if (entry.sha256 === undefined) return `${file} was changed after it was proven`;
    if ((await hashFile(file)) !== entry.sha256) return `${file} has other content than when it was proven`;
  }
  return null;
}

/** Hex sha256 of a file, streamed. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** All regular files below a folder. Symbolic links are followed to files, never into folders: links can be loops. */
export async function listFiles(dir: string, leftOut: ReadonlySet<string> = new Set()): Promise<string[]> {
  const names = (await readdir(dir)).sort();
  const files: string[] = [];
  for (const name of names) {
    const path = join(dir, name);
    if (leftOut.has(path)) continue;
    const info = await lstat(path);
    if (info.isDirectory()) files.push(...(await listFiles(path, leftOut)));
    else if (info.isFile() || (info.isSymbolicLink() && (await stat(path).catch(() => null))?.isFile()))
      files.push(path);
  }
  return files;
}
