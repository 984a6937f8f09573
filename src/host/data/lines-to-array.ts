import { Buffer } from 'node:buffer';

const NEW_LINE = 0x0a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Whether a file begins as JSON Lines do: with an object, where an array is the other form of rows. */
export function isJsonLines(head: Buffer): boolean {
  const start = head.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  return head.subarray(start).find((byte) => !isSpace(byte)) === OPEN_BRACE;
}

/**
 * Turns JSON Lines, in chunks of any size, into the bytes of one array: a line break before another row becomes a comma.
 * A string holds no raw line break in JSON, so every one stands between rows; one within a row makes it broken. No byte
 * moves but by the one of `[`, so places in the file stay what they are.
 */
export class LinesToArray {
  /** White space since the last row: whether it ends the file or stands between rows is not known yet. */
  #held = Buffer.alloc(0);
  #isBegun = false;

  /** The bytes for the parser; they are a copy. */
  push(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#held, chunk]);
    let end = bytes.length;
    while (end > 0 && isSpace(bytes[end - 1])) end -= 1;
    this.#held = Buffer.from(bytes.subarray(end));
    const known = bytes.subarray(0, end);
    if (!this.#isBegun) {
      if (end === 0) return known;
      this.#isBegun = true;
      const mark = known.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
      let first = mark;
      while (isSpace(known[first])) first += 1;
      joinRows(known, first);
      return Buffer.concat([known.subarray(0, mark), Buffer.from('['), known.subarray(mark)]);
    }
    joinRows(known, 0);
    return known;
  }
}

/** Of the line breaks between two rows the first becomes a comma. */
function joinRows(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(NEW_LINE, from); at !== -1; at = bytes.indexOf(NEW_LINE, at)) {
    bytes[at] = COMMA;
    while (isSpace(bytes[at + 1])) at += 1;
    at += 1;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === NEW_LINE || byte === 0x0d || byte === 0x09;
}
