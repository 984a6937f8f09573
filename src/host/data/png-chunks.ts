import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

const SIGNATURE_BYTES = 8;
/** Length and type in front of a chunk's data, and the checksum behind it. */
const HEAD_BYTES = 8;
const CHECKSUM_BYTES = 4;
const IHDR_BYTES = 13;
/** Programs write a dozen chunks before the pixels; a file made of empty ones must not be walked for minutes. */
const MAX_CHUNKS = 4_096;

/**
 * Why the chunks of a PNG cannot be read up to its pixels, or null: a wrong checksum of its size, or bytes that are no
 * chunk. Readers only find that when they decode. `begin` is where the file begins.
 */
export async function findPngDamage(handle: FileHandle, begin: Buffer, size: number): Promise<string | null> {
  let at = SIGNATURE_BYTES;
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
    const head = await headAt(handle, begin, at);
    if (head === null) return `its ${size} bytes hold no pixels of a PNG: the file is cut off`;
    const type = head.toString('latin1', 4);
    if (!/^[A-Za-z]{4}$/.test(type)) return `byte ${at} begins no chunk of a PNG: the file is damaged`;
    if (chunk === 0 && !isHeader(begin, type)) return 'the checksum of its header is wrong: the file is damaged';
    const next = at + HEAD_BYTES + head.readUInt32BE(0) + CHECKSUM_BYTES;
    if (next > size) return `chunk ${type} ends behind its ${size} bytes: the file is cut off`;
    if (type === 'IDAT') return null;
    at = next;
  }
  return `more than ${MAX_CHUNKS} chunks stand before its pixels`;
}

async function headAt(handle: FileHandle, begin: Buffer, at: number): Promise<Buffer | null> {
  if (at + HEAD_BYTES <= begin.length) return begin.subarray(at, at + HEAD_BYTES);
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, at);
  return bytesRead === HEAD_BYTES ? buffer : null;
}

/** Whether the first chunk is the one with the size, and its checksum, over type and data, is right. */
function isHeader(begin: Buffer, type: string): boolean {
  const start = SIGNATURE_BYTES + 4;
  const end = SIGNATURE_BYTES + HEAD_BYTES + IHDR_BYTES;
  if (type !== 'IHDR' || begin.length < end + CHECKSUM_BYTES) return false;
  return crc32(begin.subarray(start, end)) === begin.readUInt32BE(end);
}
