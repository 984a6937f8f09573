/** A pickle that cannot be read: what is wrong, and the byte at which it was noticed. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(`${what} at byte ${offset}`);
    this.offset = offset;
  }
}

/** A longer line than any `module.name` is not text but damage. */
const MAX_LINE_BYTES = 4096;

/** Reads numbers, bytes and text in order, never beyond the data nor across the end of a frame. */
export class ByteCursor {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #frameEnd: number | undefined;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes behind the cursor that nobody has read. */
  get remaining(): number {
    return this.#data.length - this.#offset;
  }

  /** Starts a frame of the given length; a frame may not begin inside another one. */
  enterFrame(length: number): void {
    if (this.#frameEnd !== undefined && this.#offset < this.#frameEnd) throw this.error('a frame inside a frame');
    if (length > this.remaining) throw this.error(`a frame of ${length} bytes where ${this.remaining} are left`);
    this.#frameEnd = this.#offset + length;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A length of 8 bytes; those beyond 2^53 cannot be lengths of anything in a file. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.error(`a length of ${value} bytes`);
    return Number(value);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#data.subarray(start, start + length);
  }

  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      return UTF8.decode(bytes);
    } catch {
      throw this.error('text that is not UTF-8');
    }
  }

  /** Text up to the next line feed, which is consumed. */
  line(): string {
    const end = this.#data.indexOf(0x0a, this.#offset);
    if (end < 0 || end - this.#offset > MAX_LINE_BYTES) throw this.error('a name without an end');
    const text = this.text(end - this.#offset);
    this.#take(1);
    return text;
  }

  error(what: string): PickleError {
    return new PickleError(what, this.#offset);
  }

  #take(length: number): number {
    const start = this.#offset;
    const end = start + length;
    if (end > this.#data.length) throw this.error(`${length} bytes wanted, ${this.remaining} left`);
    if (this.#frameEnd !== undefined && start < this.#frameEnd && end > this.#frameEnd) {
      throw this.error('an instruction that crosses the end of its frame');
    }
    this.#offset = end;
    return start;
  }
}

/** Lone surrogates (Python's `surrogatepass`) do not occur in names of tensors and files; damage does. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
