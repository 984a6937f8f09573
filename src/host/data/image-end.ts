import type { FileHandle } from 'node:fs/promises';
import { bmpBytes, bmpDamage } from './bmp.js';
import { hasGifFrame } from './gif-end.js';
import { findPngDamage } from './png-chunks.js';

/**
 * Why an image that has a size cannot be decoded: its end is missing, as after a copy that was cut off, or what stands
 * before its pixels is damaged; null when it is whole, or when nothing tells. A header says nothing of that, and the
 * training would find out late. `start` is where the file begins.
 */
export async function findDamage(handle: FileHandle, start: Uint8Array): Promise<string | null> {
  const begin = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const found = ENDS.find(({ magic }) => begin.subarray(0, magic.length).equals(magic));
  if (found === undefined) return null;
  const { size } = await handle.stat();
  const damage = found.type === 'PNG' ? await findPngDamage(handle, begin, size) : (found.damage?.(begin) ?? null);
  if (damage !== null) return damage;
  if (await found.isWhole({ handle, begin, size })) return null;
  return `its ${size} bytes hold no end of a ${found.type}: the file is cut off`;
}

interface ImageFile {
  readonly handle: FileHandle;
  /** The first bytes, at least as many as hold the size of the picture. */
  readonly begin: Buffer;
  readonly size: number;
}

/** How a file of a type begins, and what tells that it is there to its end. */
interface End {
  readonly type: string;
  readonly magic: Buffer;
  /** What of its header no reader takes, and still tells a size. */
  damage?(begin: Buffer): string | null;
  isWhole(file: ImageFile): boolean | Promise<boolean>;
}

const ENDS: readonly End[] = [
  {
    type: 'PNG',
    magic: Buffer.from('\x89PNG', 'latin1'),
    isWhole: (file) => hasMark(file, Buffer.from('IEND'), 0),
  },
  {
    type: 'JPEG',
    magic: Buffer.from([0xff, 0xd8]),
    isWhole: (file) => hasMark(file, Buffer.from([0xff, 0xd9]), scanOffset(file.begin)),
  },
  {
    type: 'WebP',
    magic: Buffer.from('RIFF'),
    damage: (begin) => (isVp8(begin) ? null : 'its picture does not begin as one of VP8: the file is damaged'),
    // What the container says that follows its first eight bytes.
    isWhole: ({ begin, size }) => begin.length < 8 || size >= 8 + begin.readUInt32LE(4),
  },
  {
    type: 'BMP',
    magic: Buffer.from('BM'),
    damage: bmpDamage,
    isWhole: ({ begin, size }) => size >= bmpBytes(begin),
  },
  // Readers decode the first picture, so a film that is cut behind it still trains.
  { type: 'GIF', magic: Buffer.from('GIF8'), isWhole: ({ handle }) => hasGifFrame(handle) },
];

// Whole files end with the mark, but for a checksum and a few bytes of padding.
const TAIL_BYTES = 64;

const CHUNK_BYTES = 256 * 1024;

async function hasMark({ handle, size }: ImageFile, mark: Buffer, from: number): Promise<boolean> {
  if (await holds(handle, mark, Math.max(from, size - TAIL_BYTES), size)) return true;
  // Cameras and phones append previews and films behind the end: then it stands somewhere before.
  return holds(handle, mark, from, size);
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

/** Whether the simple form of a WebP begins its picture with the mark of a key frame; of other forms nothing is told. */
function isVp8(begin: Buffer): boolean {
  const isSimple = begin.length >= 26 && begin.toString('latin1', 12, 16) === 'VP8 ';
  return !isSimple || begin.subarray(23, 26).equals(Buffer.from([0x9d, 0x01, 0x2a]));
}
