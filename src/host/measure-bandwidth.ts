import { randomFillSync, randomUUID } from 'node:crypto';
import { constants, open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** What a folder's file system does for one host, in bytes per second. */
export interface Bandwidth {
  readonly writeBytesPerSecond: number;
  readonly readBytesPerSecond: number;
  /** The file system allows no read past the cache: reading may really be slower. */
  readonly isReadCached: boolean;
}

/** How much a measurement may take. Both bounds hold; at least one block is always moved. */
export interface MeasureLimits {
  readonly maxBytes?: number;
  readonly writeMs?: number;
  readonly readMs?: number;
}

/**
 * Measures how fast a file in `dir` is written to disk (each block is synced) and read back past the cache, in about
 * two seconds and 256 MB at most. The file has no name from its first byte on, so nothing is left, not even by a kill.
 *
 * @throws the error of the file system, such as ENOSPC.
 */
export async function measureBandwidth(dir: string, limits: MeasureLimits = {}): Promise<Bandwidth> {
  const { maxBytes = 256 * MIB, writeMs = 1_200, readMs = 600 } = limits;
  const path = join(dir, `.temper-bandwidth-${randomUUID()}`);
  const writer = await open(path, 'wx', 0o600);
  try {
    const reader = await openUncached(path);
    try {
      await unlink(path);
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      const written = await move(block, { maxBytes, maxMs: writeMs }, async (at) => {
        // Random bytes: some file systems compress, or store no zeros.
        randomFillSync(block);
        const from = performance.now();
        await writer.write(block, 0, block.length, at);
        await writer.datasync();
        return performance.now() - from;
      });
      const aligned = reader === null ? null : await findAligned(reader);
      const source = reader === null || aligned === null ? writer : reader;
      const read = await move(aligned ?? block, { maxBytes: written.bytes, maxMs: readMs }, async (at) => {
        const target = aligned ?? block;
        const from = performance.now();
        await source.read(target, 0, target.length, at);
        return performance.now() - from;
      });
      return {
        writeBytesPerSecond: written.bytesPerSecond,
        readBytesPerSecond: read.bytesPerSecond,
        isReadCached: source === writer,
      };
    } finally {
      await reader?.close();
    }
  } finally {
    await writer.close();
    // Without effect when it went as it should.
    await unlink(path).catch(() => undefined);
  }
}

const MIB = 1024 * 1024;
const BLOCK_BYTES = 16 * MIB;
const PAGE_BYTES = 4096;

/** A second look at the file that goes past the page cache; null where the file system has no such thing (tmpfs). */
async function openUncached(path: string): Promise<FileHandle | null> {
  return open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => null);
}

/**
 * Memory for reads past the cache, which must begin on a boundary that the file system chooses. Nothing tells where a
 * buffer lies, but a read refuses a wrong place at once: so the places of a page are tried. null when none will do.
 */
async function findAligned(reader: FileHandle): Promise<Buffer | null> {
  const room = Buffer.allocUnsafe(BLOCK_BYTES + PAGE_BYTES);
  // Allocators hand out multiples of 16.
  for (let offset = 0; offset < PAGE_BYTES; offset += 16) {
    const isAligned = await reader.read(room, offset, PAGE_BYTES, 0).then(
      () => true,
      () => false,
    );
    if (isAligned) return room.subarray(offset, offset + BLOCK_BYTES);
  }
  return null;
}

/** Moves blocks until a limit is reached; `moveBlock` answers the milliseconds that it took. */
async function move(
  block: Buffer,
  { maxBytes, maxMs }: { readonly maxBytes: number; readonly maxMs: number },
  moveBlock: (at: number) => Promise<number>,
): Promise<{ readonly bytes: number; readonly bytesPerSecond: number }> {
  const startedAt = performance.now();
  let bytes = 0;
  let ms = 0;
  do {
    ms += await moveBlock(bytes);
    bytes += block.length;
  } while (bytes + block.length <= maxBytes && performance.now() - startedAt < maxMs);
  return { bytes, bytesPerSecond: bytes / (Math.max(ms, 0.001) / 1000) };
}
