import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import type { DataProgress } from '../../schemas/data.js';
import { errorText } from '../../domain/text/error-text.js';
import { openRegular } from '../open-regular.js';
import { DEFAULT_ROW_LIMITS, JsonArrayParser } from './json-array-parser.js';
import { isJsonLines, LinesToArray } from './lines-to-array.js';
import type { RowLimits } from './json-array-parser.js';
import { DataFailure } from '../../domain/data/failures.js';

/** Rows that lie one after another in a file, and how far the file has been read with them. */
export interface RowBatch {
  /** Index of the first of these rows, from 0. */
  readonly firstRow: number;
  readonly rows: readonly unknown[];
  /** Whether the file begins with a byte order mark, which is not every reader's idea of JSON. */
  readonly hasByteOrderMark: boolean;
  readonly progress: DataProgress;
}

/** Options of `readRows`. */
export interface ReadRowsOptions {
  readonly limits?: RowLimits;
  /** Bytes read at a time. */
  readonly chunkBytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether a row a line is taken too (JSON Lines); else the file must hold one array. */
  readonly allowLines?: boolean | undefined;
}

// Large enough that one read costs nothing, small enough that the parsed rows of one chunk die young (measured
// on 255 MB: 64 kB to 1 MB are equally fast, peak memory grows from there).
const DEFAULT_CHUNK_BYTES = 256 * 1024;

/**
 * Streams the rows of a file that holds one JSON array, or a row a line, in constant memory; the next chunk is read while the
 * caller works. Throws `JsonArrayError` where the file is broken, `DataFailure` when it cannot be read, and the
 * signal's reason when aborted.
 */
export async function* readRows(file: string, options: ReadRowsOptions = {}): AsyncGenerator<RowBatch> {
  const handle = await openForReading(file);
  const chunkBytes = options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
  let parser = new JsonArrayParser(options.limits ?? DEFAULT_ROW_LIMITS);
  let lines: LinesToArray | null = null;
  let pending: Promise<Buffer> | undefined;
  try {
    const { size: bytesTotal } = await handle.stat();
    const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
    let current: 0 | 1 = 0;
    let bytesRead = 0;
    pending = readChunk(handle, buffers[current], file);
    for (;;) {
      const chunk: Buffer = await pending;
      options.signal?.throwIfAborted();
      if (chunk.length === 0) break;
      current = current === 0 ? 1 : 0;
      pending = readChunk(handle, buffers[current], file);
      if (bytesRead === 0 && options.allowLines === true && isJsonLines(chunk)) {
        lines = new LinesToArray();
        // The bracket that the file does not have comes before its first byte.
        parser = new JsonArrayParser(options.limits ?? DEFAULT_ROW_LIMITS, -1);
      }
      const firstRow = parser.rows;
      bytesRead += chunk.length;
      const rows = parser.push(lines === null ? chunk : lines.push(chunk));
      const { hasByteOrderMark } = parser;
      yield {
        firstRow,
        rows,
        hasByteOrderMark,
        progress: { bytesRead, bytesTotal: Math.max(bytesTotal, bytesRead), rows: parser.rows },
      };
    }
    const last = lines === null ? [] : parser.push(Buffer.from(']'));
    parser.finish();
    if (last.length > 0) {
      const progress = { bytesRead, bytesTotal: bytesRead, rows: parser.rows };
      const { hasByteOrderMark } = parser;
      yield { firstRow: parser.rows - last.length, rows: last, hasByteOrderMark, progress };
    }
  } finally {
    // A read that is under way must end before its handle is closed; its own error no longer matters here.
    await pending?.catch(() => undefined);
    await handle.close();
  }
}

async function openForReading(file: string): Promise<FileHandle> {
  try {
    return await openRegular(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function readChunk(handle: FileHandle, buffer: Buffer, file: string): Promise<Buffer> {
  try {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): DataFailure {
  const what = errorText(cause);
  return new DataFailure('data/annotations-unreadable', { what, where: file, cause });
}
