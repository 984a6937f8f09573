import type { FileHandle } from 'node:fs/promises';

const EXTENSION = 0x21;
const PICTURE = 0x2c;

/** Signature, size and colours of the whole film, whose table may follow. */
const HEADER_BYTES = 13;

const CHUNK_BYTES = 64 * 1024;
/** No program pads with more, and a file of zeros must not be walked for minutes. */
const MOST_ZEROS = 4_096;

/**
 * Whether a GIF holds all of its first picture. Its data come in blocks of at most 255 bytes that each tell their
 * length, up to an empty one, so they are walked through without being decoded.
 */
export async function hasGifFrame(handle: FileHandle): Promise<boolean> {
  const bytes = new ByteWalk(handle);
  bytes.skip(10);
  const flags = await bytes.next();
  let at = HEADER_BYTES - 11 + tableBytes(flags);
  for (;;) {
    bytes.skip(at);
    const kind = await bytes.next();
    if (kind === EXTENSION) {
      bytes.skip(1);
      if (!(await skipBlocks(bytes))) return false;
      at = 0;
    } else if (kind === PICTURE) {
      bytes.skip(8);
      // Its own colours, then the width of the first code.
      bytes.skip(tableBytes(await bytes.next()) + 1);
      return (await skipBlocks(bytes)) && !(await isZeros(bytes));
    } else {
      // The end of the file, or of the film without a picture.
      return false;
    }
  }
}

/** Walks over blocks and the empty one behind them; false when the file ends before it. */
async function skipBlocks(bytes: ByteWalk): Promise<boolean> {
  for (;;) {
    const length = await bytes.next();
    if (length === null) return false;
    if (length === 0) return true;
    bytes.skip(length);
  }
}

/**
 * Whether zeros follow and nothing else to the end, as in a file whose blocks were never written: the first of them then
 * looked like the end of the picture.
 */
async function isZeros(bytes: ByteWalk): Promise<boolean> {
  for (let zeros = 0; zeros < MOST_ZEROS; zeros += 1) {
    const byte = await bytes.next();
    if (byte === null) return zeros > 0;
    if (byte !== 0) return false;
  }
  return true;
}

/** Bytes of the colour table that flags tell of: three for each of 2, 4, ... 256 colours. */
function tableBytes(flags: number | null): number {
  return flags !== null && (flags & 0x80) !== 0 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Reads single bytes of a file in order. */
class ByteWalk {
  readonly #handle: FileHandle;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #filled = 0;
  #start = 0;
  #position = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The next byte, or null behind the end. */
  async next(): Promise<number | null> {
    if (this.#position >= this.#start + this.#filled) {
      this.#start = this.#position;
      this.#filled = (await this.#handle.read(this.#buffer, 0, CHUNK_BYTES, this.#position)).bytesRead;
      if (this.#filled === 0) return null;
    }
    const byte = this.#buffer[this.#position - this.#start] ?? null;
    this.#position += 1;
    return byte;
  }

  skip(bytes: number): void {
    this.#position += bytes;
  }
}
