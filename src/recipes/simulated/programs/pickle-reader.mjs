import { PythonError } from './program-errors.mjs';

/** An object that the pickle describes: the Python name of its class or function, its arguments and its state. */
export class Described {
  constructor(type, args) {
    this.type = type;
    this.args = args;
    this.state = null;
  }
}

/**
 * Reads the pickles that this trainer writes, without building anything: dicts become maps, tuples and lists arrays,
 * objects `Described`, references to storages arrays.
 * @param {Buffer} bytes
 * @throws PythonError as torch would for a damaged file
 */
export function readPickle(bytes) {
  const reader = new PickleReader(bytes);
  try {
    return reader.run();
  } catch (error) {
    if (error instanceof RangeError) throw new PythonError('EOFError', 'Ran out of input');
    throw error;
  }
}

const INSTRUCTIONS = new Map([
  [0x80, (r) => void r.take(1)],
  [0x95, (r) => void r.take(8)],
  [letter('('), (r) => r.marks.push(r.stack.length)],
  [letter('N'), (r) => r.stack.push(null)],
  [0x88, (r) => r.stack.push(true)],
  [0x89, (r) => r.stack.push(false)],
  [0x4b, (r) => r.stack.push(r.take(1)[0])],
  [0x4d, (r) => r.stack.push(r.take(2).readUInt16LE())],
  [0x8a, (r) => r.stack.push(Number(r.take(r.take(1)[0]).readBigInt64LE()))],
  [0x47, (r) => r.stack.push(r.take(8).readDoubleBE())],
  [0x8c, (r) => r.stack.push(r.take(r.take(1)[0]).toString())],
  [0x58, (r) => r.stack.push(r.take(r.take(4).readUInt32LE()).toString())],
  [letter(')'), (r) => r.stack.push([])],
  [0x85, (r) => r.stack.push(r.pop(1))],
  [0x86, (r) => r.stack.push(r.pop(2))],
  [0x87, (r) => r.stack.push(r.pop(3))],
  [letter('t'), (r) => r.stack.push(r.popMark())],
  [letter(']'), (r) => r.stack.push([])],
  [letter('e'), (r) => extend(r)],
  [letter('}'), (r) => r.stack.push(new Map())],
  [letter('u'), (r) => fill(r)],
  [0x94, (r) => r.memo.push(r.stack.at(-1))],
  [0x68, (r) => r.stack.push(r.memo[r.take(1)[0]])],
  [0x6a, (r) => r.stack.push(r.memo[r.take(4).readUInt32LE()])],
  [letter('c'), (r) => r.stack.push(`${r.line()}.${r.line()}`)],
  [0x93, (r) => r.stack.push(r.pop(2).join('.'))],
  [letter('R'), (r) => r.stack.push(new Described(...r.pop(2)))],
  [0x81, (r) => r.stack.push(new Described(...r.pop(2)))],
  [letter('b'), (r) => build(r)],
  // The id of a storage stands for the storage.
  [letter('Q'), () => undefined],
]);

class PickleReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.offset = 0;
    this.stack = [];
    this.marks = [];
    this.memo = [];
  }

  run() {
    for (;;) {
      const code = this.take(1)[0];
      if (code === letter('.')) return this.stack.pop();
      const execute = INSTRUCTIONS.get(code);
      if (execute === undefined)
        throw new PythonError('_pickle.UnpicklingError', `invalid load key, '\\x${code.toString(16)}'.`);
      execute(this);
    }
  }

  take(length) {
    if (this.offset + length > this.bytes.length) throw new RangeError('the pickle ends early');
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }

  line() {
    const end = this.bytes.indexOf(0x0a, this.offset);
    if (end < 0) throw new RangeError('the pickle ends early');
    const text = this.take(end - this.offset).toString();
    this.offset += 1;
    return text;
  }

  pop(count) {
    return this.stack.splice(-count);
  }

  popMark() {
    return this.stack.splice(this.marks.pop());
  }
}

function letter(text) {
  return text.charCodeAt(0);
}

function extend(reader) {
  const items = reader.popMark();
  reader.stack.at(-1).push(...items);
}

function fill(reader) {
  const flat = reader.popMark();
  const dict = reader.stack.at(-1);
  for (let index = 0; index < flat.length; index += 2) dict.set(flat[index], flat[index + 1]);
}

function build(reader) {
  const [state] = reader.pop(1);
  reader.stack.at(-1).state = state;
}
