import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hasCode } from '../system-error.js';

/** The end of a log. Offsets and sizes are bytes. */
export interface LogTail {
  readonly lines: readonly string[];
  /** Where a reader continues with `readLog`. */
  readonly endOffset: number;
  /** Whether older content was left out. */
  readonly isTruncated: boolean;
}

/** A piece of a log that was read on from an offset. Offsets and sizes are bytes. */
export interface LogChunk {
  /** Complete lines; of a line redrawn with carriage returns (a progress bar) only what a terminal would show last. */
  readonly lines: readonly string[];
  /** What stands in the unfinished last line now, null when there is none. Not consumed: it may come again. */
  readonly progress: string | null;
  readonly nextOffset: number;
  readonly sizeBytes: number;
  /** The file was shorter than the offset, so that reading began again at 0. */
  readonly isReset: boolean;
}

const LF = 0x0a;
const CR = 0x0d;

/** Reads the last lines of a log, at most `maxBytes` of it. A missing file is an empty log. */
export async function tailLog(
  path: string,
  { maxBytes = 65_536, maxLines = 200 }: { readonly maxBytes?: number; readonly maxLines?: number } = {},
): Promise<LogTail> {
  return withFile(path, { lines: [], endOffset: 0, isTruncated: false }, async (file, sizeBytes) => {
    const start = Math.max(0, sizeBytes - maxBytes);
    const bytes = await readRange(file, start, sizeBytes);
    // A tail that begins inside a line would show half a line, or half a character.
    const firstLf = bytes.indexOf(LF);
    const from = start > 0 && firstLf >= 0 && firstLf < bytes.length - 1 ? firstLf + 1 : 0;
    const body = bytes.subarray(from);
    const all = splitLines(body, body.length);
    const lines = all.slice(-maxLines);
    return { lines, endOffset: start + bytes.length, isTruncated: start > 0 || lines.length < all.length };
  });
}

/**
 * Reads a log on from `offset`: at most `maxBytes` per call, always progressing while there is content, so that a
 * caller may stop and resume at any byte. A missing file is an empty log. A line longer than `maxBytes` comes in
 * pieces; a progress bar that never ends its line is skipped up to its latest state.
 */
export async function readLog(path: string, offset: number, maxBytes = 65_536): Promise<LogChunk> {
  const empty = { lines: [], progress: null, nextOffset: 0, sizeBytes: 0, isReset: offset > 0 };
  return withFile(path, empty, async (file, sizeBytes) => {
    const isReset = offset > sizeBytes;
    const start = isReset ? 0 : offset;
    const bytes = await readRange(file, start, Math.min(sizeBytes, start + maxBytes));
    const linesEnd = bytes.lastIndexOf(LF) + 1;
    const lines = splitLines(bytes, linesEnd);
    const rest = bytes.subarray(linesEnd);
    const redrawn = lastRedraw(rest).start;
    const current = rest.subarray(redrawn);
    const isStuck = linesEnd + redrawn === 0 && bytes.length === maxBytes;
    const piece = isStuck ? wholeCharacters(current) : current.subarray(0, 0);
    const shown = lastState(current);
    return {
      lines: isStuck ? [lastState(piece)] : lines,
      progress: isStuck || shown === '' ? null : shown,
      nextOffset: start + linesEnd + redrawn + piece.length,
      sizeBytes,
      isReset,
    };
  });
}

/** Splits `bytes[0..end)` at LF; what follows the last LF counts as a line when it is not empty. */
function splitLines(bytes: Buffer, end: number): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < end;) {
    const lf = bytes.indexOf(LF, at);
    const stop = lf < 0 || lf >= end ? end : lf;
    lines.push(lastState(bytes.subarray(at, stop)));
    at = stop + 1;
  }
  return lines;
}

/** What a terminal shows of a line that was redrawn. */
function lastState(line: Buffer): string {
  const { start, end } = lastRedraw(line);
  return line.toString('utf8', start, end);
}

/** The text after the last CR that something follows; CRs at the end may be the first half of CR LF. */
function lastRedraw(line: Buffer): { readonly start: number; readonly end: number } {
  let end = line.length;
  while (end > 0 && line[end - 1] === CR) end -= 1;
  return { start: end === 0 ? 0 : line.lastIndexOf(CR, end - 1) + 1, end };
}

/** Cuts back to the end of the last whole UTF-8 character (4 bytes at most); bytes that are no UTF-8 stay. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, bytes.length - 1); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, to - from));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function withFile<T>(
  path: string,
  missing: T,
  read: (file: FileHandle, sizeBytes: number) => Promise<T>,
): Promise<T> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return missing;
    throw error;
  }
  try {
    return await read(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}
