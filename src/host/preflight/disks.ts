import { randomFillSync, randomUUID } from 'node:crypto';
import { open, readFile, statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskLook, WorkspaceLook, WriteLook } from '../../domain/preflight/look.js';
import { hasCode } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { makeFolder } from '../make-folder.js';
import { nearestFolder } from '../nearest-folder.js';
import { runProbe } from './run-probe.js';

/** Free space and inodes of the file system that holds a folder, as an ordinary user may use them. */
export async function lookAtDisk(path: string): Promise<DiskLook> {
  const { bavail, bsize, files, ffree } = await statfs(path);
  return { path, freeBytes: bavail * bsize, freeInodes: files === 0 ? null : ffree };
}

/** What is really written before a launch: enough that delayed allocation and quotas show, small enough for a second. */
const WRITE_BYTES = 64 * 1024 ** 2;
const BLOCK_BYTES = 8 * 1024 ** 2;

/**
 * Writes a file of a bounded size to the disk and removes it: free space that statfs tells may be reserved for root, or
 * belong to a quota of others. The file has no name from its first byte on, so nothing is left, not even by a kill.
 */
export async function tryToWrite(dir: string, bytes: number = WRITE_BYTES): Promise<WriteLook> {
  const path = join(dir, `.temper-write-${randomUUID()}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await unlink(path);
      const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, bytes));
      // Random bytes: some file systems compress, or store no zeros.
      randomFillSync(block);
      // A disk that fills up takes part of a write without an error, and none of the next one.
      for (let at = 0; at < bytes;) {
        at += (await file.write(block, 0, Math.min(block.length, bytes - at), at)).bytesWritten;
      }
      await file.datasync();
      return { bytes };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { bytes, refused: errorText(error) };
  }
}

/** How long a file system may take for the first answer. A healthy one answers in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Whether the file system of a path answers at all, told by a process that can be given up: a read that hangs inside
 * this one would take a thread of its file work for ever.
 */
export async function answers(
  path: string,
  { limitMs = ANSWER_MS, stat = STAT }: AnswerOptions = {},
): Promise<boolean> {
  return (await runProbe({ id: 'stat', argv: [...stat, path], timeoutMs: limitMs })).state !== 'hung';
}

interface AnswerOptions {
  readonly limitMs?: number;
  /** Replaces the command that touches the file system, in tests. */
  readonly stat?: readonly string[];
}

const STAT: readonly string[] = ['stat', '-f'];

/**
 * Whether this host can write, read back and remove a file in the workspace.
 */
export async function lookAtWorkspace(path: string, options: AnswerOptions = {}): Promise<WorkspaceLook> {
  if (!(await answers(path, options))) return { state: 'hangs', limitMs: options.limitMs ?? ANSWER_MS };
  let step = 'looking at it';
  try {
    const parent = await nearestFolder(path);
    if (parent !== path) return { state: 'missing', parent };
    const disk = await lookAtDisk(path);
    const token = randomUUID();
    const file = join(path, `.temper-preflight-${token}`);
    step = 'writing a file';
    await writeFile(file, token, { flag: 'wx', mode: 0o600 });
    try {
      step = 'reading it back';
      if ((await readFile(file, 'utf8')) !== token) throw new Error('other bytes came back than were written');
    } finally {
      await unlink(file).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error;
      });
    }
    return { state: 'usable', disk };
  } catch (error) {
    return { state: 'refused', step, why: errorText(error) };
  }
}

/** Makes the scratch folder where it is missing, as every worker does at its start. */
export async function openScratch(scratch: string): Promise<void> {
  await makeFolder(scratch);
}
