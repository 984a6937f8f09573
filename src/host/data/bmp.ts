import type { PixelSize } from '../../domain/data/estimate-tokens.js';

/** Length of the first header that Windows and OS/2 had; sides are numbers of 16 bits in it. */
const CORE = 12;
/** Headers by their length, and compressions, that Pillow 12 reads (BmpImagePlugin). */
const HEADERS: readonly number[] = [CORE, 40, 52, 56, 64, 108, 124];
const COMPRESSIONS: readonly number[] = [0, 1, 2, 3];
/** Compressions whose pixels stand there one by one: none, and colour masks. */
const PLAIN: readonly number[] = [0, 3];

/** What the header says of the pixels. */
interface BmpHeader extends PixelSize {
  readonly bits: number;
  readonly compression: number;
}

/** Size by the oldest header, which image-size reads as one of the newer ones; null for all others. */
export function bmpCoreSize(bytes: Uint8Array): PixelSize | null {
  const begin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (begin.toString('latin1', 0, 2) !== 'BM' || headerOf(begin) !== CORE) return null;
  const header = readHeader(begin);
  return header === null ? null : { width: header.width, height: header.height };
}

/** What of a BMP's header no reader takes; `begin` is where the file begins. */
export function bmpDamage(begin: Buffer): string | null {
  const length = headerOf(begin);
  if (length === null) return null;
  if (!HEADERS.includes(length)) return `a header of ${length} bytes is none of a BMP: the file is damaged`;
  const { compression = 0 } = readHeader(begin) ?? {};
  return COMPRESSIONS.includes(compression)
    ? null
    : `its pixels have the compression ${compression}, which no reader knows`;
}

/** Bytes that a BMP must have: of plain pixels by their number, since programs write anything as the file's size. */
export function bmpBytes(begin: Buffer): number {
  const length = headerOf(begin);
  if (length === null) return 0;
  const header = readHeader(begin);
  if (header === null) return 14 + length;
  const { width, height, bits, compression } = header;
  if (!PLAIN.includes(compression)) return begin.readUInt32LE(2);
  const rowBits = width * bits;
  // Rows are filled up to four bytes; some programs leave the last one as it is.
  return begin.readUInt32LE(10) + Math.ceil(rowBits / 32) * 4 * (height - 1) + Math.ceil(rowBits / 8);
}

/** Length of the header behind that of the file. */
function headerOf(begin: Buffer): number | null {
  return begin.length < 18 ? null : begin.readUInt32LE(14);
}

function readHeader(begin: Buffer): BmpHeader | null {
  const length = headerOf(begin);
  if (length === CORE) {
    if (begin.length < 26) return null;
    const [width, height, bits] = [18, 20, 24].map((at) => begin.readUInt16LE(at));
    return { width: width ?? 0, height: height ?? 0, bits: bits ?? 0, compression: 0 };
  }
  if (begin.length < 54) return null;
  return {
    width: Math.abs(begin.readInt32LE(18)),
    height: Math.abs(begin.readInt32LE(22)),
    bits: begin.readUInt16LE(28),
    compression: begin.readUInt32LE(30),
  };
}
