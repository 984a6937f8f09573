/** Values that the writer below can pickle. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

/** Pickles a value as Python does: framed and with MEMOIZE from protocol 4 on, with BINPUT before. */
export function writePickle(value: Plain, protocol: number): Uint8Array {
  const memo = { next: 0 };
  const remember = (): Buffer =>
    protocol >= 4 ? Buffer.from([0x94]) : Buffer.concat([Buffer.from([0x72]), u32(memo.next++)]);
  const body = Buffer.concat([write(value, remember), Buffer.from([0x2e])]);
  const frame = Buffer.alloc(9);
  frame[0] = 0x95;
  frame.writeBigUInt64LE(BigInt(body.length), 1);
  return Buffer.concat([Buffer.from([0x80, protocol]), ...(protocol >= 4 ? [frame] : []), body]);
}

function write(value: Plain, remember: () => Buffer): Buffer {
  if (value === null) return Buffer.from([0x4e]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0x88 : 0x89]);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.from([0x58]), u32(text.length), text, remember()]);
  }
  const isList = Array.isArray(value);
  const start = Buffer.concat([Buffer.from([isList ? 0x5d : 0x7d]), remember(), Buffer.from([0x28])]);
  const content = isList ? value : Object.entries(value).flat();
  return Buffer.concat([start, ...content.map((item) => write(item, remember)), Buffer.from([isList ? 0x65 : 0x75])]);
}

function writeNumber(value: number): Buffer {
  if (!Number.isInteger(value)) {
    const float = Buffer.alloc(9);
    float[0] = 0x47;
    float.writeDoubleBE(value, 1);
    return float;
  }
  if (value >= 0 && value <= 0xff) return Buffer.from([0x4b, value]);
  if (value >= 0 && value <= 0xffff) return Buffer.from([0x4d, value & 0xff, value >> 8]);
  const long = Buffer.alloc(10);
  long[0] = 0x8a;
  long[1] = 8;
  long.writeBigInt64LE(BigInt(value), 2);
  return long;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
