/** A class or function by its Python name, such as `torch` and `Size`. */
export class Global {
  /**
   * @param {string} module
   * @param {string} name
   */
  constructor(module, name) {
    this.module = module;
    this.name = name;
  }
}

/** What Python builds by calling `callable` with `args`. */
export class Call {
  /**
   * @param {Global} callable
   * @param {readonly unknown[]} args
   */
  constructor(callable, args) {
    this.callable = callable;
    this.args = args;
  }
}

/** An object of a class with its state: a plain object of attributes, or a `Tuple` for classes that take one. */
export class Instance {
  /**
   * @param {Global} type
   * @param {Readonly<Record<string, unknown>> | Tuple | null} state null sets none
   */
  constructor(type, state) {
    this.type = type;
    this.state = state;
  }
}

/** A tuple; arrays are lists. */
export class Tuple {
  /** @param {readonly unknown[]} items */
  constructor(items) {
    this.items = items;
  }
}

/** A number that Python shall have as a float, also when it is whole. */
export class Float {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/** A reference to something stored beside the pickle: torch's tensor storages. */
export class Persistent {
  /** @param {Tuple} id */
  constructor(id) {
    this.id = id;
  }
}

/**
 * Pickles a value. Plain objects and maps are dicts, arrays lists, whole numbers ints.
 * @param {unknown} value
 * @param {2 | 4} protocol torch reads items of tensors in protocol 2 only, and writes metadata in 4
 * @returns {Buffer}
 */
export function writePickle(value, protocol) {
  const writer = new PickleWriter(protocol);
  writer.write(value);
  const body = Buffer.concat([...writer.parts, Buffer.from('.')]);
  const head = Buffer.from([0x80, protocol]);
  if (protocol < 4) return Buffer.concat([head, body]);
  const frame = Buffer.alloc(9);
  frame[0] = 0x95;
  frame.writeBigUInt64LE(BigInt(body.length), 1);
  return Buffer.concat([head, frame, body]);
}

// Instructions by their names in Python's pickletools.
const MARK = op('(');
const EMPTY_TUPLE = op(')');
const TUPLE = op('t');
const SMALL_TUPLES = [EMPTY_TUPLE, Buffer.from([0x85]), Buffer.from([0x86]), Buffer.from([0x87])];
const REDUCE = op('R');
const NEWOBJ = Buffer.from([0x81]);
const BUILD = op('b');
const STACK_GLOBAL = Buffer.from([0x93]);
const MEMOIZE = Buffer.from([0x94]);

class PickleWriter {
  constructor(protocol) {
    this.protocol = protocol;
    this.parts = [];
    // Texts and globals repeat for every tensor: in protocol 4 each is written once and then recalled.
    this.memo = new Map();
  }

  write(value) {
    if (value === null) this.parts.push(op('N'));
    else if (typeof value === 'boolean') this.parts.push(Buffer.from([value ? 0x88 : 0x89]));
    else if (typeof value === 'number') this.parts.push(Number.isInteger(value) ? integer(value) : float(value));
    else if (typeof value === 'string')
      this.remembered(`text ${value}`, () => this.parts.push(text(value, this.protocol)));
    else this.writeObject(value);
  }

  writeObject(value) {
    if (value instanceof Float) this.parts.push(float(value.value));
    else if (value instanceof Global) this.writeGlobal(value);
    else if (value instanceof Tuple) this.writeTuple(value.items);
    else if (value instanceof Call) this.writeParts(value.callable, new Tuple(value.args), REDUCE);
    else if (value instanceof Persistent) this.writeParts(value.id, op('Q'));
    else if (value instanceof Instance) this.writeInstance(value);
    else if (Array.isArray(value)) this.writeParts(op(']'), MARK, ...value, op('e'));
    else this.writeParts(op('}'), MARK, ...(value instanceof Map ? [...value] : Object.entries(value)).flat(), op('u'));
  }

  /** Instructions (buffers) and values in turn. */
  writeParts(...parts) {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) this.parts.push(part);
      else this.write(part);
    }
  }

  writeTuple(items) {
    const small = SMALL_TUPLES[items.length];
    if (small === undefined) this.writeParts(MARK, ...items, TUPLE);
    else this.writeParts(...items, small);
  }

  writeInstance({ type, state }) {
    this.writeParts(type, EMPTY_TUPLE, NEWOBJ);
    if (state !== null) this.writeParts(state, BUILD);
  }

  writeGlobal({ module, name }) {
    this.remembered(`global ${module} ${name}`, () => {
      if (this.protocol < 4) this.parts.push(Buffer.from(`c${module}\n${name}\n`));
      else this.writeParts(module, name, STACK_GLOBAL);
    });
  }

  remembered(key, writeNew) {
    const known = this.memo.get(key);
    if (this.protocol < 4) writeNew();
    else if (known !== undefined) this.parts.push(known < 256 ? Buffer.from([0x68, known]) : wide(0x6a, known));
    else {
      writeNew();
      this.parts.push(MEMOIZE);
      this.memo.set(key, this.memo.size);
    }
  }
}

function op(letter) {
  return Buffer.from(letter);
}

function wide(code, value) {
  const bytes = Buffer.alloc(5);
  bytes[0] = code;
  bytes.writeUInt32LE(value, 1);
  return bytes;
}

function text(value, protocol) {
  const bytes = Buffer.from(value);
  if (protocol >= 4 && bytes.length < 256) return Buffer.concat([Buffer.from([0x8c, bytes.length]), bytes]);
  return Buffer.concat([wide(0x58, bytes.length), bytes]);
}

function integer(value) {
  if (value >= 0 && value < 256) return Buffer.from([0x4b, value]);
  if (value >= 0 && value < 65_536) return Buffer.from([0x4d, value & 0xff, value >> 8]);
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x8a;
  bytes[1] = 8;
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}

function float(value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0x47;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}
