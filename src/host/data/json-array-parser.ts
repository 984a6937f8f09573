import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { errorText } from '../../domain/text/error-text.js';
import { ArrayScanner } from './array-scanner.js';
import type { ScanStop } from './array-scanner.js';
import type { DataRuleId } from '../../domain/data/rules.js';

/** Bounds on one row; what lies beyond is an attack or a mistake, never a conversation. */
export interface RowLimits {
  /** Bytes of one row, including the white space around it. */
  readonly maxRowBytes: number;
  /** Nesting of objects and arrays inside one row. */
  readonly maxDepth: number;
}

/** 64 MiB and 64 levels: LLaVA rows have some kB and 3 levels. */
export const DEFAULT_ROW_LIMITS: RowLimits = { maxRowBytes: 64 * 1024 * 1024, maxDepth: 64 };

/** The bytes are not one JSON array of rows; names the rule, the row (from 0) and the byte offset in the file. */
export class JsonArrayError extends Error {
  override readonly name = 'JsonArrayError';
  readonly rule: Extract<DataRuleId, 'data/broken-json' | 'data/not-an-array' | 'data/row-limit'>;
  /** Row that was being read, from 0; null outside of rows. */
  readonly row: number | null;
  readonly byteOffset: number;
  readonly what: string;

  constructor(rule: JsonArrayError['rule'], row: number | null, byteOffset: number, what: string) {
    super(`${what} at byte ${byteOffset}`);
    this.rule = rule;
    this.row = row;
    this.byteOffset = byteOffset;
    this.what = what;
  }
}

const CLOSE_BRACKET = 0x5d;

/**
 * Parses one top-level JSON array that comes in chunks, holding no more than the row that is not complete yet.
 * Rows are handed to `JSON.parse` many at a time, which is several times faster than a tokenizer in JavaScript.
 */
export class JsonArrayParser {
  readonly #limits: RowLimits;
  readonly #scanner: ArrayScanner;
  // Bytes of the rows that are not handed out yet, between brackets of their own: the array that JSON.parse gets
  // is laid out here, because putting brackets around a long string would copy it once more.
  #held = Buffer.from('[');
  #heldBytes = 0;
  #rows = 0;
  #chunkOffset: number;

  /** `offset`: place in the file of the first byte that it gets. */
  constructor(limits: RowLimits = DEFAULT_ROW_LIMITS, offset = 0) {
    this.#limits = limits;
    this.#chunkOffset = offset;
    this.#scanner = new ArrayScanner(limits.maxDepth);
  }

  /** Rows handed out so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Whether the file begins with a byte order mark. */
  get hasByteOrderMark(): boolean {
    return this.#scanner.hasByteOrderMark;
  }

  /** Takes the next chunk (the caller may reuse it afterwards) and returns the rows that ended in it. */
  push(chunk: Buffer): readonly unknown[] {
    const { start, end, rest, stop } = this.#scanner.scan(chunk);
    let rows: readonly unknown[] = [];
    let keepFrom = start;
    if (end >= 0) {
      const offset = this.#chunkOffset + start - this.#heldBytes;
      this.#hold(chunk.subarray(start, end));
      rows = this.#parse(offset);
      this.#rows += rows.length;
      this.#heldBytes = 0;
      keepFrom = rest;
    }
    if (stop.kind !== 'chunk-end') throw this.#stopped(stop, chunk);
    if (this.#scanner.phase === 'inside') this.#hold(chunk.subarray(keepFrom));
    if (this.#heldBytes > this.#limits.maxRowBytes) {
      const what = `row ${this.#rows} has more than ${this.#limits.maxRowBytes} bytes`;
      throw new JsonArrayError('data/row-limit', this.#rows, this.#chunkOffset, what);
    }
    this.#chunkOffset += chunk.length;
    return rows;
  }

  /** Says that no more bytes come; throws when the array is not complete. */
  finish(): void {
    const offset = this.#chunkOffset;
    if (this.#scanner.phase === 'after') return;
    if (this.#scanner.phase === 'before')
      throw new JsonArrayError('data/not-an-array', null, offset, 'the file is empty');
    throw new JsonArrayError(
      'data/broken-json',
      this.#rows,
      offset,
      `the file ends in or after row ${this.#rows}, before the closing ]`,
    );
  }

  // One buffer is kept and grown by doubling: a row over many chunks is copied twice at most.
  #hold(bytes: Buffer): void {
    const needed = this.#heldBytes + bytes.length;
    if (needed + 2 > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed + 2, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#heldBytes + 1);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldBytes + 1);
    this.#heldBytes = needed;
  }

  #parse(offset: number): readonly unknown[] {
    this.#held[this.#heldBytes + 1] = CLOSE_BRACKET;
    const array = this.#held.subarray(0, this.#heldBytes + 2);
    const batch = array.subarray(1, -1);
    if (isBlank(batch)) {
      // Only `[]` may have nothing before its bracket; a blank element elsewhere is a comma too many.
      if (this.#rows === 0 && this.#scanner.phase === 'after') return [];
      throw new JsonArrayError(
        'data/broken-json',
        this.#rows,
        offset,
        `row ${this.#rows} is missing: a comma too many`,
      );
    }
    // A batch no larger than the limit cannot hold a row that is; larger ones are measured row by row.
    if (batch.length <= this.#limits.maxRowBytes && isUtf8(batch)) {
      try {
        // ASCII is decoded as Latin-1: the same text, at more than twice the speed.
        const rows: unknown = JSON.parse(array.toString(isAscii(array) ? 'latin1' : 'utf8'));
        if (Array.isArray(rows)) return rows;
      } catch {
        // One of the rows is broken; the slow way below finds which.
      }
    }
    return this.#parseOneByOne(batch, offset);
  }

  #parseOneByOne(batch: Buffer, offset: number): readonly unknown[] {
    const rows: unknown[] = [];
    let from = 0;
    for (const to of rowEnds(batch, this.#limits.maxDepth)) {
      rows.push(this.#parseRow(batch.subarray(from, to), this.#rows + rows.length, offset + from));
      from = to + 1;
    }
    return rows;
  }

  #parseRow(bytes: Buffer, row: number, offset: number): unknown {
    if (bytes.length > this.#limits.maxRowBytes) {
      throw new JsonArrayError(
        'data/row-limit',
        row,
        offset,
        `row ${row} has ${bytes.length} bytes, more than ${this.#limits.maxRowBytes}`,
      );
    }
    if (isBlank(bytes))
      throw new JsonArrayError('data/broken-json', row, offset, `row ${row} is missing: a comma too many`);
    if (!isUtf8(bytes)) throw new JsonArrayError('data/broken-json', row, offset, `row ${row} is not UTF-8`);
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch (error) {
      throw new JsonArrayError('data/broken-json', row, offset, `row ${row} is not sound JSON: ${printable(error)}`);
    }
  }

  #stopped(stop: Exclude<ScanStop, { kind: 'chunk-end' }>, chunk: Buffer): JsonArrayError {
    const offset = this.#chunkOffset + stop.at;
    const byte = showByte(chunk[stop.at]);
    switch (stop.kind) {
      case 'not-an-array':
        return new JsonArrayError('data/not-an-array', null, offset, `the file begins with ${byte}, not with [`);
      case 'trailing':
        return new JsonArrayError('data/broken-json', null, offset, `${byte} follows the closing ] of the array`);
      case 'too-deep':
        return new JsonArrayError(
          'data/row-limit',
          this.#rows,
          offset,
          `row ${this.#rows} is nested deeper than ${this.#limits.maxDepth} levels`,
        );
    }
  }
}

// Offsets of the ends of the rows in a batch; the scanner is asked again, one row at a time.
function* rowEnds(batch: Buffer, maxDepth: number): Generator<number> {
  const scanner = new ArrayScanner(maxDepth);
  scanner.scan(Buffer.from('['));
  let from = 0;
  for (let at = batch.indexOf(','); at !== -1; at = batch.indexOf(',', at + 1)) {
    const { end } = scanner.scan(batch.subarray(from, at + 1));
    from = at + 1;
    if (end >= 0) yield at;
  }
  yield batch.length;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

function showByte(byte: number | undefined): string {
  const code = byte ?? 0;
  return code > 0x20 && code < 0x7f ? `"${String.fromCharCode(code)}"` : `byte 0x${code.toString(16).padStart(2, '0')}`;
}

// The message of JSON.parse quotes the input, which may be binary.
function printable(error: unknown): string {
  const text = errorText(error);
  return text.replace(/[^\x20-\x7e]/g, '?');
}
