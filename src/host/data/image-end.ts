import type { FileHandle } from 'node:fs/promises';

/** What ends the data of a type, and how a file of that type begins. */
interface EndMark {
  readonly type: string;
  readonly magic: Buffer;
  readonly mark: Buffer;
}

const END_MARKS: readonly EndMark[] = [
  { type: 'PNG', magic: Buffer.from('\x89PNG', 'latin1'), mark: Buffer.from('IEND') },
  { type: 'JPEG', magic: Buffer.from([0xff, 0xd8]), mark: Buffer.from([0xff, 0xd9]) },
];

// Whole files end with the mark, but for a checksum and a few bytes of padding.
const TAIL_BYTES = 64;

const CHUNK_BYTES = 256 * 1024;

/**
 * Whether the end of an image is missing, as after a copy that was cut off; null when it is there, or when the type has
 * no mark for it. A header says nothing of that, and the training would find out late. `start` is where the file begins.
 */
export async function findMissingEnd(handle: FileHandle, start: Uint8Array): Promise<string | null> {
  const begin = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const found = END_MARKS.find(({ magic }) => begin.subarray(0, magic.length).equals(magic));
  if (found === undefined) return null;
  const { type, mark } = found;
  const { size } = await handle.stat();
  const from = type === 'JPEG' ? scanOffset(begin) : 0;
  if (await holds(handle, mark, Math.max(from, size - TAIL_BYTES), size)) return null;
  // Cameras and phones append previews and films behind the end: then it stands somewhere before.
  if (await holds(handle, mark, from, size)) return null;
  return `its ${size} bytes hold no end of a ${type}: the file is cut off`;
}

async function holds(handle: FileHandle, mark: Buffer, from: number, to: number): Promise<boolean> {
  const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(mark.length, to - from)));
  for (let position = from; position < to; position += buffer.length - mark.length + 1) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (buffer.subarray(0, bytesRead).includes(mark)) return true;
    if (bytesRead < buffer.length) return false;
  }
  return false;
}

/** Where the pixels of a JPEG start: segments before it may hold a preview, which is a JPEG with an end of its own. */
function scanOffset(begin: Buffer): number {
  let offset = 2;
  while (offset + 4 <= begin.length && begin[offset] === 0xff && ![0xda, 0xd9].includes(begin[offset + 1] ?? 0))
    offset += 2 + begin.readUInt16BE(offset + 2);
  return offset;
}
