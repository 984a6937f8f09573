import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PickleError } from '../../../../src/host/checkpoint/pickle/cursor.js';
import { unpickle } from '../../../../src/host/checkpoint/pickle/unpickle.js';
import {
  attributesOf,
  classOf,
  entriesOf,
  isNode,
  itemsOf,
  type PickleValue,
} from '../../../../src/host/checkpoint/pickle/values.js';
import { writePickle, type Plain } from './writer.js';

describe('values', () => {
  test('come back as they were written, by every protocol (property)', () => {
    fc.assert(
      fc.property(plainValues, fc.constantFrom(2, 4, 5), (value, protocol) => {
        expect(toPlain(unpickle(writePickle(value, protocol)).value)).toEqual(value);
      }),
    );
  });

  test('integers keep sign and size', () => {
    for (const value of [0, -1, 255, 65_536, -2_147_483_648, 2 ** 40, -(2 ** 52)]) {
      expect(unpickle(writePickle(value, 4)).value).toBe(value);
    }
    // LONG1 of 2^64: no number can hold it.
    expect(unpickle(bytes(0x80, 2, 0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x2e)).value).toBe(2n ** 64n);
  });
});

describe('objects', () => {
  test('of any class stay names and arguments; nothing is run', () => {
    // What Python's own pickle would turn into os.system('reboot').
    const { value, globals } = unpickle(ascii('\x80\x02cos\nsystem\nX\x06\x00\x00\x00reboot\x85R.'));
    expect(classOf(value)).toBe('os.system');
    expect(globals).toEqual(new Set(['os.system']));
  });

  test('collect state, items and entries', () => {
    // NEWOBJ of m.C with no arguments, then APPEND 7, SETITEM 'k': 8, BUILD {'a': 1}.
    const { value } = unpickle(ascii('\x80\x02cm\nC\n)\x81K\x07aX\x01\x00\x00\x00kK\x08s}X\x01\x00\x00\x00aK\x01sb.'));
    expect(attributesOf(value)).toEqual(new Map([['a', 1]]));
    expect(entriesOf(value)).toEqual([['k', 8]]);
    expect(isNode(value) && value.kind === 'object' ? value.items : undefined).toEqual([7]);
  });

  test('may refer to themselves without a hang', () => {
    // A list that holds itself: EMPTY_LIST, MEMOIZE, BINGET 0, APPEND.
    const { value } = unpickle(bytes(0x80, 4, 0x5d, 0x94, 0x68, 0, 0x61, 0x2e));
    expect(itemsOf(value)?.[0]).toBe(value);
  });
});

describe('what is not a whole pickle is refused', () => {
  test.each([
    ['nothing', bytes(), 'empty'],
    ['text', ascii('hello'), 'not a pickle'],
    ['a newer protocol', bytes(0x80, 6, 0x2e), 'protocol 6'],
    ['an end without a value', bytes(0x80, 4, 0x2e), 'stack empty'],
    ['two values', bytes(0x80, 4, 0x4e, 0x4e, 0x2e), 'left over'],
    ['bytes after the end', bytes(0x80, 4, 0x4e, 0x2e, 0), '1 bytes after'],
    ['an open mark', bytes(0x80, 4, 0x28, 0x4e, 0x2e), 'left over'],
    ['a missing mark', bytes(0x80, 4, 0x74, 0x2e), 'no mark'],
    ['a pop below a mark', bytes(0x80, 4, 0x4e, 0x28, 0x30, 0x2e), 'stack empty'],
    ['an unwritten memo entry', bytes(0x80, 4, 0x68, 9, 0x2e), 'memo entry 9'],
    ['an unknown instruction', bytes(0x80, 4, 0xff), '0xff'],
    ['an extension code', bytes(0x80, 4, 0x82, 1, 0x2e), '0x82'],
    ['a length beyond the data', bytes(0x80, 4, 0x58, 0xff, 0xff, 0xff, 0x7f), 'bytes wanted'],
    ['a length of 2^63', bytes(0x80, 4, 0x8e, 0, 0, 0, 0, 0, 0, 0, 0x80), 'length of'],
    ['a frame beyond the data', bytes(0x80, 4, 0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x4e, 0x2e), 'frame of 9'],
    ['an instruction across a frame', bytes(0x80, 4, 0x95, 2, 0, 0, 0, 0, 0, 0, 0, 0x4d, 0, 0, 0x2e), 'crosses'],
    ['a huge integer', bytes(0x80, 2, 0x8b, 0, 0, 1, 0), 'integer of 65536'],
    ['text that is not UTF-8', bytes(0x80, 4, 0x8c, 1, 0xff, 0x2e), 'UTF-8'],
    ['items for a number', bytes(0x80, 4, 0x4b, 1, 0x4e, 0x61, 0x2e), 'cannot hold'],
    ['entries for a list', bytes(0x80, 4, 0x5d, 0x4e, 0x4e, 0x73, 0x2e), 'not a dict'],
    ['a key without a value', bytes(0x80, 4, 0x7d, 0x28, 0x4e, 0x75, 0x2e), 'without a value'],
    ['state for a list', bytes(0x80, 4, 0x5d, 0x4e, 0x62, 0x2e), 'not an object'],
    ['a list as a key', bytes(0x80, 4, 0x7d, 0x5d, 0x4e, 0x73, 0x2e), 'a dict key that cannot be one'],
    ['a dict in a tuple as a key', bytes(0x80, 4, 0x7d, 0x7d, 0x85, 0x4e, 0x73, 0x2e), 'a dict key that cannot be one'],
    ['an object of a text', bytes(0x80, 4, 0x8c, 1, 0x41, 0x29, 0x52, 0x2e), 'no class'],
    ['a new object of an object', ascii('\x80\x02cm\nC\n)\x81)\x81.'), 'no class'],
    ['arguments that are a list', ascii('\x80\x02cm\nC\n]R.'), 'no tuple'],
    ['a class named by a number', bytes(0x80, 4, 0x4b, 1, 0x4b, 1, 0x93, 0x2e), 'not text'],
  ])('%s', (_, data, what) => {
    expect(() => unpickle(data)).toThrow(PickleError);
    expect(() => unpickle(data)).toThrow(what);
  });

  test.each([
    ['values', '\x80\x04' + 'N'.repeat(2e6), 'more values than any real stack holds'],
    ['groups', '\x80\x04' + '('.repeat(2e6), 'more groups than any real stack holds'],
  ])('a bomb of %s that wait on the stack', (_, bomb, what) => {
    expect(() => unpickle(ascii(bomb))).toThrow(PickleError);
    expect(() => unpickle(ascii(bomb))).toThrow(what);
  });

  test.each([
    ['lists', '](' + ']'.repeat(90) + 'e', 'values'],
    ['byte strings', '](' + 'C\x00'.repeat(90) + 'e', 'values'],
    ['entries', '}(' + 'NN'.repeat(45) + 'u', 'values'],
    ['memo entries', 'N' + '\x94'.repeat(90), 'memo entries'],
    ['classes', Array.from({ length: 20 }, (_, index) => `cm\nC${index}\n`).join(''), 'classes'],
  ])('a bomb of %s, by limits of their own', (_, content, what) => {
    const pickle = ascii(`\x80\x04${content}.`);
    const limits = { stack: 100, memo: 200, nodes: 200, loose: 200, perObject: 0, globals: 100 };
    const small = { stack: 100, memo: 40, nodes: 40, loose: 100, perObject: 0, globals: 10 };
    if (what !== 'classes') expect(() => unpickle(pickle, { limits })).not.toThrow();
    expect(() => unpickle(pickle, { limits: small })).toThrow(`more ${what} than any real pickle`);
  });

  // A value of one or two bytes takes a hundred in memory, and the file may have hundreds of megabytes.
  test.each([
    ['lists side by side', '](' + (']'.repeat(1e3) + 'e(').repeat(4e3)],
    ['lists as Python writes them', ']\x94(' + (']\x94'.repeat(1e3) + 'e(').repeat(4e3)],
    ['lists in lists', ')' + '\x85'.repeat(4e6)],
    ['items of one list', ']' + 'Na'.repeat(4e6)],
    ['dicts', '](' + ('}'.repeat(1e3) + 'e(').repeat(4e3)],
    ['tuples of many items', `(${'N'.repeat(9e4)}t\x94`.repeat(50)],
    ['texts in the memo', '\x8c\x02ab\x940'.repeat(1e6)],
  ])('a bomb of %s, soon after it holds more than its objects need', (_, content) => {
    const pickle = ascii(`\x80\x04${content}.`);
    const error = refusalOf(pickle);
    expect(error.message).toMatch(/more (values|memo entries) than any real pickle/);
    expect(error.offset, 'bytes that were read').toBeLessThan(3.1e6);
  });

  test('any bytes end in a value or a PickleError (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        try {
          unpickle(Uint8Array.from([0x80, 4, ...tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(PickleError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const { value: plainValues } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }).filter((number) => !Number.isInteger(number)),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
}));

function refusalOf(pickle: Uint8Array): PickleError {
  try {
    unpickle(pickle);
  } catch (error) {
    if (error instanceof PickleError) return error;
    throw error;
  }
  throw new Error('it was read');
}

function toPlain(value: PickleValue): Plain {
  const items = itemsOf(value);
  if (items !== undefined) return items.map(toPlain);
  const entries = entriesOf(value);
  if (entries !== undefined)
    return Object.fromEntries(
      entries.map(([key, entry]) => [typeof key === 'string' ? key : JSON.stringify(toPlain(key)), toPlain(entry)]),
    );
  if (value === null || ['boolean', 'number', 'string'].includes(typeof value)) return value as Plain; // Just checked.
  throw new Error('a value that the writer cannot have written');
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
