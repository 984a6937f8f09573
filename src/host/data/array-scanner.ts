/** Where the scanner stopped: at the end of the chunk, or at a byte that no sound array of rows has there. */
export type ScanStop =
  | { readonly kind: 'chunk-end' }
  | { readonly kind: 'not-an-array'; readonly at: number }
  | { readonly kind: 'trailing'; readonly at: number }
  | { readonly kind: 'too-deep'; readonly at: number };

/** What one chunk held: bytes [start, end) complete rows begun before or in it, [rest, …) begin the next row. */
export interface ScanResult {
  readonly start: number;
  /** End (exclusive) of the last complete row, or -1 when no row ends in this chunk. */
  readonly end: number;
  readonly rest: number;
  readonly stop: ScanStop;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/**
 * Finds where the elements of one top-level JSON array end, in bytes that come in chunks of any size. It looks
 * at quotes, escapes, brackets and commas only; whether an element is sound JSON is for `JSON.parse` to say.
 * Commas and brackets are ASCII and never part of a longer UTF-8 sequence, so chunks may split characters.
 */
export class ArrayScanner {
  readonly #maxDepth: number;
  #phase: 'before' | 'inside' | 'after' = 'before';
  #markBytes = 0;
  #hasMark = false;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** Where in the document the next byte lies: before `[`, between `[` and `]`, or after `]`. */
  get phase(): 'before' | 'inside' | 'after' {
    return this.#phase;
  }

  /** Whether the document begins with a byte order mark. */
  get hasByteOrderMark(): boolean {
    return this.#hasMark;
  }

  /** Scans the next chunk. After a `stop` other than `chunk-end` the scanner must not be used again. */
  scan(chunk: Buffer): ScanResult {
    let start = 0;
    if (this.#phase === 'before') {
      start = this.#skipToArray(chunk);
      if (start < 0) return { start: 0, end: -1, rest: 0, stop: { kind: 'not-an-array', at: -1 - start } };
    }
    if (this.#phase === 'before') return { start, end: -1, rest: chunk.length, stop: { kind: 'chunk-end' } };
    if (this.#phase === 'after') return { start, end: -1, rest: chunk.length, stop: this.#skipTrailing(chunk, 0) };
    return this.#scanRows(chunk, start);
  }

  // The hot loop. Most bytes lie inside strings, where the native search for the closing quote is six times
  // faster than a loop here; a quote ends the string when an even number of backslashes stands before it.
  #scanRows(chunk: Buffer, start: number): ScanResult {
    const length = chunk.length;
    let depth = this.#depth;
    let end = -1;
    let i = start;
    while (i < length) {
      if (this.#isInString) {
        i = this.#skipString(chunk, i);
        continue;
      }
      const byte = chunk[i];
      if (byte === QUOTE) {
        this.#isInString = true;
      } else if (byte === COMMA) {
        if (depth === 0) end = i;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth += 1;
        if (depth > this.#maxDepth) return { start, end, rest: end + 1, stop: { kind: 'too-deep', at: i } };
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (depth > 0) {
          depth -= 1;
        } else if (byte === CLOSE_BRACKET) {
          this.#phase = 'after';
          return { start, end: i, rest: length, stop: this.#skipTrailing(chunk, i + 1) };
        }
      }
      i += 1;
    }
    this.#depth = depth;
    return { start, end, rest: end + 1, stop: { kind: 'chunk-end' } };
  }

  // The offset behind the next quote (which may be an escaped one), or the end of the chunk.
  #skipString(chunk: Buffer, from: number): number {
    const quote = chunk.indexOf(QUOTE, from);
    const to = quote === -1 ? chunk.length : quote;
    let backslashes = 0;
    while (to - backslashes > from && chunk[to - backslashes - 1] === BACKSLASH) backslashes += 1;
    // When backslashes fill everything since `from`, the one that a chunk ended with belongs to them.
    const isCarried = this.#isEscaped && backslashes === to - from;
    const isEscaped = (backslashes + (isCarried ? 1 : 0)) % 2 === 1;
    this.#isEscaped = quote === -1 && isEscaped;
    if (quote === -1) return chunk.length;
    this.#isInString = isEscaped;
    return quote + 1;
  }

  // The offset after `[`, or -1 - offset of the first byte that is neither white space nor a byte order mark.
  #skipToArray(chunk: Uint8Array): number {
    for (const [offset, byte] of chunk.entries()) {
      if (this.#markBytes < 3 && byte === BYTE_ORDER_MARK[this.#markBytes]) {
        this.#markBytes += 1;
        this.#hasMark = this.#markBytes === 3;
        continue;
      }
      const isMarkCut = this.#markBytes === 1 || this.#markBytes === 2;
      if (isMarkCut || (!isSpace(byte) && byte !== OPEN_BRACKET)) return -1 - offset;
      // A mark may stand at the very beginning only.
      this.#markBytes = 3;
      if (byte === OPEN_BRACKET) {
        this.#phase = 'inside';
        return offset + 1;
      }
    }
    return chunk.length;
  }

  #skipTrailing(chunk: Uint8Array, from: number): ScanStop {
    for (let at = from; at < chunk.length; at += 1) {
      if (!isSpace(chunk[at])) return { kind: 'trailing', at };
    }
    return { kind: 'chunk-end' };
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
