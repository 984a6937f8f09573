import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ManifestEntry } from '../../schemas/receipt.js';

/** Files that are asked for their size at once: hides the latency of a network file system. */
const AT_ONCE = 32;

/** A link to nothing, or a file that went while the folder was read. */
const MISSING = { size: -1, mtimeMs: 0 };

/**
 * One entry for a whole folder: how many files, their bytes, and a hash of all names and sizes; nothing is read. Times
 * tell a file that another of its size replaced; what is made again has the same content at another time.
 */
export async function sumFolder(
  dir: string,
  { hasTimes = false }: { readonly hasTimes?: boolean } = {},
): Promise<Omit<Required<ManifestEntry>, 'path'>> {
  const files = await listEntries(dir);
  const found = Array.from({ length: files.length }, () => MISSING);
  const next = files.entries();
  const work = async (): Promise<void> => {
    for (const [index, file] of next) found[index] = await stat(file).catch(() => MISSING);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const hash = createHash('sha256');
  for (const [index, file] of files.entries()) {
    const { size, mtimeMs } = found[index] ?? MISSING;
    hash.update(`${relative(dir, file)}\0${size}\0${hasTimes ? `${mtimeMs}\0` : ''}`);
  }
  const bytes = found.reduce((sum, { size }) => sum + size, 0);
  return { bytes, mtimeMs: 0, sha256: hash.digest('hex'), files: files.length };
}

/** Files below a folder as its listings tell them, one call for thousands; sorted. */
async function listEntries(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
