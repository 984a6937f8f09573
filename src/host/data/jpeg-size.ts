import type { FileHandle } from 'node:fs/promises';
import type { PixelSize } from '../../domain/data/estimate-tokens.js';

/** Cameras write some dozen segments, profiles of 16 MB some 250; a file made of empty ones must not be walked for minutes. */
const MAX_SEGMENTS = 4_096;
/** Marker, length, precision, height, width of a frame header. */
const FRAME_BYTES = 9;
/** Frame headers are C0 to CF, but for tables (C4, CC) and what no reader knows (C8). */
const NO_FRAME: readonly number[] = [0xc4, 0xc8, 0xcc];
const FILL = 0xff;
/** Markers without a length: TEM and the restart ones. */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** Size of a JPEG however much stands before it, such as previews and colour profiles; null where there is none. */
export async function readJpegSize(handle: FileHandle): Promise<PixelSize | null> {
  const head = Buffer.alloc(FRAME_BYTES);
  for (let at = 2, segment = 0; segment < MAX_SEGMENTS; segment += 1) {
    const { bytesRead } = await handle.read(head, 0, FRAME_BYTES, at);
    const marker = head.readUInt8(1);
    if (bytesRead < FRAME_BYTES || head[0] !== FILL) return null;
    if (marker === FILL) at += 1;
    else if (isBare(marker)) at += 2;
    else if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker))
      return { width: head.readUInt16BE(7), height: head.readUInt16BE(5) };
    // The pixels begin, or the file ends, and no frame was told.
    else if (marker === 0xda || marker === 0xd9) return null;
    else at += 2 + head.readUInt16BE(2);
  }
  return null;
}
