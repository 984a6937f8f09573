import { ByteCursor } from './cursor.js';
import { PICKLE_LIMITS, PickleMachine, type PickleLimits } from './machine.js';
import { NO_RULES, type PickleRules } from './rules.js';
import type { PickleValue } from './values.js';

/**
 * Reads a pickle of protocol 2 to 5 into inert data. Nothing that it names is imported, called or constructed, so a
 * hostile file can at worst be refused.
 *
 * @throws PickleError when the bytes are not a whole, well-formed pickle (trailing bytes included), hold too much, or
 * break a rule.
 */
export function unpickle(
  data: Uint8Array,
  { limits = PICKLE_LIMITS, rules = NO_RULES }: { readonly limits?: PickleLimits; readonly rules?: PickleRules } = {},
): Pickle {
  const cursor = new ByteCursor(data);
  if (cursor.remaining === 0) throw cursor.error('nothing: the pickle is empty');
  if (cursor.u8() !== PROTO) throw cursor.error('not a pickle of protocol 2 or newer');
  const protocol = cursor.u8();
  if (protocol < 2 || protocol > 5) throw cursor.error(`pickle protocol ${protocol}; 2 to 5 are known`);
  const machine = new PickleMachine(cursor, limits, rules);
  for (;;) {
    const opcode = cursor.u8();
    if (opcode === STOP) break;
    const execute = OPCODES.get(opcode);
    if (execute === undefined) throw cursor.error(`unknown instruction 0x${opcode.toString(16)}`);
    execute(machine, cursor);
  }
  if (cursor.remaining > 0) throw cursor.error(`${cursor.remaining} bytes after the end`);
  return { value: machine.result(), globals: machine.globals };
}

/** The content of a pickle and the names of all classes and functions in it, which a real loader would import. */
export interface Pickle {
  readonly value: PickleValue;
  readonly globals: ReadonlySet<string>;
}

type Instruction = (machine: PickleMachine, cursor: ByteCursor) => void;

const PROTO = 0x80;
const STOP = 0x2e;

/** Python integers beyond this are no sizes, offsets or counters; parsing megabytes of digits would take minutes. */
const MAX_INTEGER_BYTES = 256;

/**
 * Instructions of protocols 2 to 5, by code. Left out on purpose: the text forms of protocol 0, which newer picklers
 * never write, the extension registry (0x82 to 0x84), and out-of-band buffers (0x97, 0x98), which need a second file.
 */
const OPCODES: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [0x95, (_, c) => c.enterFrame(c.u64())],
  // Stack: POP, POP_MARK, DUP, MARK.
  [0x30, (m) => void m.pop()],
  [0x31, (m) => void m.popMark()],
  [0x32, (m) => m.push(m.top())],
  [0x28, (m) => m.mark()],
  // Constants and numbers: NONE, NEWTRUE, NEWFALSE, BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT.
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x4a, (m, c) => m.push(c.i32())],
  [0x4b, (m, c) => m.push(c.u8())],
  [0x4d, (m, c) => m.push(c.u16())],
  [0x8a, (m, c) => m.push(readInteger(c, c.u8()))],
  [0x8b, (m, c) => m.push(readInteger(c, c.u32()))],
  [0x47, (m, c) => m.push(c.f64())],
  // Text: BINUNICODE, SHORT_BINUNICODE, BINUNICODE8.
  [0x58, (m, c) => m.push(c.text(c.u32()))],
  [0x8c, (m, c) => m.push(c.text(c.u8()))],
  [0x8d, (m, c) => m.push(c.text(c.u64()))],
  // Bytes: BINSTRING and SHORT_BINSTRING (Python 2), BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8.
  [0x54, (m, c) => m.pushBytes(c.bytes(c.u32()))],
  [0x55, (m, c) => m.pushBytes(c.bytes(c.u8()))],
  [0x42, (m, c) => m.pushBytes(c.bytes(c.u32()))],
  [0x43, (m, c) => m.pushBytes(c.bytes(c.u8()))],
  [0x8e, (m, c) => m.pushBytes(c.bytes(c.u64()))],
  [0x96, (m, c) => m.pushBytes(c.bytes(c.u64()))],
  // Tuples: EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3.
  [0x29, (m) => m.pushSequence('tuple', [])],
  [0x74, (m) => m.pushSequence('tuple', m.popMark())],
  [0x85, (m) => m.pushSequence('tuple', m.popMany(1))],
  [0x86, (m) => m.pushSequence('tuple', m.popMany(2))],
  [0x87, (m) => m.pushSequence('tuple', m.popMany(3))],
  // Lists: EMPTY_LIST, LIST, APPEND, APPENDS.
  [0x5d, (m) => m.pushSequence('list', [])],
  [0x6c, (m) => m.pushSequence('list', m.popMark())],
  [0x61, (m) => m.addItems([m.pop()])],
  [0x65, (m) => m.addItems(m.popMark())],
  // Dicts: EMPTY_DICT, DICT, SETITEM, SETITEMS.
  [0x7d, (m) => m.pushDict([])],
  [0x64, (m) => m.pushDict(m.popMark())],
  [0x73, (m) => m.addEntries(m.popMany(2))],
  [0x75, (m) => m.addEntries(m.popMark())],
  // Sets: EMPTY_SET, ADDITEMS, FROZENSET.
  [0x8f, (m) => m.pushSequence('set', [])],
  [0x90, (m) => m.addItems(m.popMark())],
  [0x91, (m) => m.pushSequence('set', m.popMark())],
  // Memo: BINGET, LONG_BINGET, BINPUT, LONG_BINPUT, MEMOIZE.
  [0x68, (m, c) => m.recall(c.u8())],
  [0x6a, (m, c) => m.recall(c.u32())],
  [0x71, (m, c) => m.remember(c.u8())],
  [0x72, (m, c) => m.remember(c.u32())],
  [0x94, (m) => m.rememberNext()],
  // Names and objects: GLOBAL, STACK_GLOBAL, REDUCE, NEWOBJ, NEWOBJ_EX, BUILD, BINPERSID.
  [0x63, (m, c) => m.pushGlobal(`${c.line()}.${c.line()}`)],
  [0x93, pushStackGlobal],
  [0x52, (m) => pushObject(m, true)],
  [0x81, (m) => pushObject(m, false)],
  [0x92, pushKeywordCall],
  [0x62, (m) => m.setState(m.pop())],
  [0x51, (m) => m.pushPersistent()],
]);

/** A little-endian two's complement integer; a number where it is exact, else a bigint. */
function readInteger(cursor: ByteCursor, length: number): number | bigint {
  if (length > MAX_INTEGER_BYTES) throw cursor.error(`an integer of ${length} bytes`);
  const magnitude = cursor.bytes(length).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const value = BigInt.asIntN(length * 8, magnitude);
  const isExact = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
  return isExact ? Number(value) : value;
}

function pushStackGlobal(machine: PickleMachine, cursor: ByteCursor): void {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof name !== 'string' || typeof module !== 'string') throw cursor.error('a class whose name is not text');
  machine.pushGlobal(`${module}.${name}`);
}

function pushObject(machine: PickleMachine, isCall: boolean): void {
  const args = machine.pop();
  machine.pushObject(machine.pop(), args, isCall);
}

function pushKeywordCall(machine: PickleMachine): void {
  const keywords = machine.pop();
  const args = machine.pop();
  machine.pushObject(machine.pop(), { kind: 'tuple', items: [args, keywords] }, false);
}
