import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { TemperError } from '../../domain/errors.js';
import type { RemoteFile } from './remote-file.js';

/** Hashes of a file's content; `gitBlob` only where it was asked for. */
export interface ContentHash {
  readonly bytes: number;
  readonly sha256: string;
  readonly gitBlob: string | null;
}

/** 1 MiB at a time: hashing then runs at the speed of the CPU, which is above most disks. */
const READ_BYTES = 1024 * 1024;

/** Hashes a file, streamed. */
export async function hashContent(path: string, isGit: boolean, signal?: AbortSignal): Promise<ContentHash> {
  const { size } = await stat(path);
  const sha256 = createHash('sha256');
  const git = isGit ? createHash('sha1').update(`blob ${size}\0`) : null;
  let bytes = 0;
  for await (const data of createReadStream(path, { highWaterMark: READ_BYTES, signal })) {
    // Safe: a stream without encoding gives buffers.
    const chunk = data as Buffer;
    sha256.update(chunk);
    git?.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: sha256.digest('hex'), gitBlob: git?.digest('hex') ?? null };
}

/** What about a file is not as announced, or null. */
export function contentProblem({ bytes, proof }: RemoteFile, found: ContentHash): string | null {
  if (bytes !== null && bytes !== found.bytes) return `it has ${found.bytes} bytes, ${bytes} were announced`;
  if (proof.kind === 'sha256' && proof.hex !== found.sha256)
    return `its sha256 is ${found.sha256}, ${proof.hex} was announced`;
  if (proof.kind === 'git-blob' && proof.hex !== found.gitBlob)
    return `its git blob id is ${String(found.gitBlob)}, ${proof.hex} was announced`;
  return null;
}

/** The error of content that is not as announced, after everything was tried. */
export function unproven(file: RemoteFile, what: string): TemperError {
  return new TemperError('DownloadUnproven', {
    where: file.name,
    what,
    why: 'the server, a mirror or a proxy gave other bytes, twice; nothing of them was kept',
  });
}

/**
 * Gives a file a time that follows from its content. Outputs count large files by size and time; so the same file
 * downloaded again, or from another hub, leaves the later stages as they are.
 */
export async function stampTime(path: string, sha256: string): Promise<void> {
  // 28 bits of the hash as seconds after 2010: every such time is in the past, and none is older than zip can say.
  const seconds = Date.UTC(2010, 0, 1) / 1_000 + Number.parseInt(sha256.slice(0, 7), 16);
  await utimes(path, seconds, seconds);
}
