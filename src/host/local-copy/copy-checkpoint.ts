import { createHash } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import type { CheckpointContract } from '../../recipes/checkpoint-contract.js';
import type { LocalCopy } from '../../schemas/local-copy.js';
import { sealCheckpoint } from '../checkpoint/seal.js';
import { readCheckpoint } from '../checkpoint/verify.js';
import { claimDownload } from '../download/claim.js';
import { onDisk } from '../download/failures.js';
import { DOWNLOAD_LIMITS } from '../download/limits.js';
import { writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { assertDisk } from '../resources.js';
import { writeTracker } from '../run/attempts.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { hashFile, listFiles } from '../store/manifest.js';
import { COPY_RECORD, findCopyDamage, readLocalCopy } from './local-copies.js';

/** A checkpoint to be copied. */
export interface CopyOptions {
  /** A checkpoint folder, or the folder that holds it and a tracker file. */
  readonly source: string;
  /** Folder that appears when the copy is whole; it can be loaded from. */
  readonly output: string;
  readonly contract: CheckpointContract;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** What became of a request for a copy. */
export interface Copied {
  readonly copy: LocalCopy;
  /** It was there already, and is as its original. */
  readonly isReused: boolean;
}

/**
 * Copies a checkpoint to another disk and compares every byte. A copy that is there is read whole and used again when it
 * is as its original; another one is replaced. Of two callers at once one copies; a killed one leaves nothing under the name.
 */
export async function copyCheckpoint(options: CopyOptions): Promise<Copied> {
  const { output, signal } = options;
  const original = await readOriginal(options);
  const reuse = async (): Promise<Copied | null> => {
    const copy = await readLocalCopy(output);
    if (copy === null || !isCopyOf(copy, original)) return null;
    if ((await findCopyDamage(output, copy)).length > 0) return null;
    if (!(await isWhole(copy, options))) return null;
    // Retention removes copies whose original is gone, so the record names the one that is there.
    const noted = { ...copy, source: original.source };
    await writeJsonFile(join(output, COPY_RECORD), noted);
    return { copy: noted, isReused: true };
  };
  await onDisk(output, () => makeFolder(dirname(output)));
  // What another one makes meanwhile is looked at as any copy is, so nothing ends the waiting but its end.
  const claim = await claimDownload(`${output}.claim`, DOWNLOAD_LIMITS, signal, () => Promise.resolve(false));
  if (claim === null || claim === 'done') throw new TypeError('a disk of this host is claimed by another one');
  try {
    return (await reuse()) ?? { copy: await makeCopy(options, original), isReused: false };
  } finally {
    await claim.release();
  }
}

type Original = Pick<LocalCopy, 'source' | 'folder' | 'seal' | 'bytes'> & {
  readonly iteration: number | null;
  readonly names: readonly string[];
};

async function readOriginal({ source, contract }: CopyOptions): Promise<Original> {
  const { report, dir, metadata } = await readCheckpoint(source, { layout: contract.layout });
  if (dir === null || metadata === null || !report.complete) {
    const [first] = report.problems;
    throw new TemperError('ProofFailed', {
      where: first?.where ?? source,
      what: `the checkpoint cannot be copied: ${first?.what ?? 'it is not complete'}`,
      evidence: report.problems.map(({ where, what }) => `${where}: ${what}`),
    });
  }
  const names = await filesBelow(dir);
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(dir, name))).size;
  return {
    source: dir,
    folder: basename(dir),
    bytes,
    names,
    iteration: report.iteration,
    seal: await sealCheckpoint(dir, [...metadata.storage.keys()]),
  };
}

/** The seal says what the content is; where the original lies does not matter. */
function isCopyOf(copy: LocalCopy, { seal, folder, bytes }: Original): boolean {
  return copy.folder === folder && copy.bytes === bytes && JSON.stringify(copy.seal) === JSON.stringify(seal);
}

/** Reads a copy whole: a disk that went bad shows in bytes that a seal does not look at. */
async function isWhole(
  { folder, files, bytes: totalBytes }: LocalCopy,
  { output, signal, onProgress }: CopyOptions,
): Promise<boolean> {
  let doneBytes = 0;
  const areEqual = await mapBounded(files, FILES_AT_ONCE, async ({ path, bytes, sha256 }) => {
    signal.throwIfAborted();
    // A file that cannot be read is copied again.
    const found = await hashFile(join(output, folder, path)).catch(() => null);
    doneBytes += bytes;
    onProgress(doneBytes, totalBytes);
    return found === sha256;
  });
  return areEqual.every(Boolean);
}

/** Files at once: enough to keep a network file system busy, few enough to write long pieces. */
const FILES_AT_ONCE = 4;

async function makeCopy(
  { output, contract, signal, onProgress }: CopyOptions,
  { iteration, names, ...original }: Original,
): Promise<LocalCopy> {
  const fresh = `${output}.part`;
  await rm(fresh, { recursive: true, force: true });
  // An older copy of the name is damaged, or was made of something else; its space counts.
  await rm(output, { recursive: true, force: true });
  await assertDisk(fresh, original.bytes, 'for a local copy of the weights');
  const target = join(fresh, original.folder);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    onProgress(doneBytes, original.bytes);
  };
  const files = await onDisk(fresh, () =>
    mapBounded(names, FILES_AT_ONCE, (name) =>
      copyFile(join(original.source, name), join(target, name), name, { signal, onBytes }),
    ),
  );
  await writeTracker(fresh, { dir: target, iteration }, contract);
  const copy: LocalCopy = { v: 1, ...original, files: [...files], at: new Date().toISOString() };
  const [damage] = await findCopyDamage(fresh, copy);
  if (damage !== undefined) throw unequal(damage.where, 'its original changed while it was copied');
  await writeJsonFile(join(fresh, COPY_RECORD), copy);
  await rename(fresh, output);
  return copy;
}

const CHUNK_BYTES = 8 * 1024 * 1024;

async function copyFile(
  from: string,
  to: string,
  path: string,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<LocalCopy['files'][number]> {
  await makeFolder(dirname(to));
  const hash = createHash('sha256');
  const reader = await open(from, 'r');
  let bytes = 0;
  try {
    const writer = await open(to, 'wx');
    try {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await reader.read(buffer, 0, buffer.length, bytes);
        if (bytesRead === 0) break;
        const chunk = buffer.subarray(0, bytesRead);
        hash.update(chunk);
        for (let at = 0; at < chunk.length;) at += (await writer.write(chunk, at)).bytesWritten;
        bytes += bytesRead;
        onBytes(bytesRead);
      }
      await writer.sync();
    } finally {
      await writer.close();
    }
  } finally {
    await reader.close();
  }
  const sha256 = hash.digest('hex');
  if ((await hashFile(to)) !== sha256) throw unequal(to, 'the disk gives back other bytes than were written to it');
  return { path, bytes, sha256 };
}

function unequal(where: string, why: string): TemperError {
  return new TemperError('ProofFailed', {
    where,
    what: 'the local copy differs from its original',
    why,
    fix: 'check the disk of the host, or leave weights.localCopy out, then temper resume RUN',
  });
}

async function filesBelow(dir: string): Promise<string[]> {
  return (await listFiles(dir)).map((path) => relative(dir, path)).sort();
}
