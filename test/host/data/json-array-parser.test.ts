import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonArrayError, JsonArrayParser } from '../../../src/host/data/json-array-parser.js';
import type { RowLimits } from '../../../src/host/data/json-array-parser.js';

const LIMITS: RowLimits = { maxRowBytes: 1000, maxDepth: 8 };

function parseInChunks(bytes: Buffer, cuts: readonly number[], limits?: RowLimits): unknown[] {
  const parser = new JsonArrayParser(limits);
  const rows: unknown[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    // A copy that is wiped afterwards: the parser may keep nothing of the caller's buffer.
    const chunk = Buffer.from(bytes.subarray(from, to));
    rows.push(...parser.push(chunk));
    chunk.fill(0);
    from = to;
  }
  parser.finish();
  expect(parser.rows).toBe(rows.length);
  return rows;
}

function everyByteAlone(text: string | Buffer, limits?: RowLimits): unknown[] {
  const bytes = Buffer.from(text);
  return parseInChunks(
    bytes,
    Array.from({ length: bytes.length }, (_, at) => at),
    limits,
  );
}

function errorOf(action: () => unknown): JsonArrayError {
  try {
    action();
  } catch (error) {
    if (error instanceof JsonArrayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('any JSON array', () => {
  // Text that is rich in what the scanner looks at: quotes, backslashes, brackets, commas, wide characters.
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', 'é', '城', '🚲', '\n', 'u') }),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      tie('array'),
      tie('object'),
    ),
    array: fc.array(tie('any'), { maxLength: 4 }),
    object: fc.dictionary(text, tie('any'), { maxKeys: 4 }),
  })).any;
  const document = fc
    .record({
      rows: fc.array(value, { maxLength: 8 }),
      indent: fc.constantFrom(undefined, 2, '\r\n'),
      edge: fc.constantFrom('', ' ', '\r\n\t'),
    })
    .map(({ rows, indent, edge }) => Buffer.from(edge + JSON.stringify(rows, null, indent) + edge));

  it('equals JSON.parse, cut into chunks anywhere', () => {
    fc.assert(
      fc.property(document, fc.array(fc.nat(), { maxLength: 12 }), (bytes, seeds) => {
        const cuts = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
        expect(parseInChunks(bytes, cuts)).toEqual(JSON.parse(bytes.toString()));
      }),
      { numRuns: 500 },
    );
  });

  it('equals JSON.parse, byte by byte', () => {
    fc.assert(
      fc.property(document, (bytes) => {
        expect(everyByteAlone(bytes)).toEqual(JSON.parse(bytes.toString()));
      }),
      { numRuns: 200 },
    );
  });

  it('accepts and refuses what JSON.parse does when one byte is changed', () => {
    fc.assert(
      fc.property(
        document,
        fc.nat(),
        fc.constantFrom(...Buffer.from('"\\[]{},:x0 \n')),
        fc.nat(),
        (bytes, at, byte, cut) => {
          const damaged = Buffer.from(bytes);
          damaged[at % damaged.length] = byte;
          let expected: unknown;
          try {
            expected = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(damaged));
          } catch {
            expected = undefined;
          }
          const parse = (): unknown => parseInChunks(damaged, [cut % (damaged.length + 1)]);
          if (Array.isArray(expected)) expect(parse()).toEqual(expected);
          else errorOf(parse);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('sound files', () => {
  it.each([
    ['empty array', '[]', []],
    ['empty array with white space', ' [ \r\n ] \n', []],
    ['byte order mark', '\uFEFF[1]', [1]],
    ['CRLF and tabs between rows', '[\r\n\t1\r\n,\r\n\t2\r\n]\r\n', [1, 2]],
    ['the last of duplicate keys, as in Python', '[{"a":1,"a":2}]', [{ a: 2 }]],
    ['a string that ends with escaped backslashes', '["a\\\\\\\\",1]', ['a\\\\', 1]],
    ['brackets and commas in strings', '["],[{\\"", 1]', ['],[{"', 1]],
    ['escaped NUL', '["\\u0000"]', ['\0']],
    ['escaped surrogate pair and lone surrogate', '["\\ud83d\\udeb2","\\ud800"]', ['🚲', '\ud800']],
    ['a key named __proto__', '[{"__proto__":1}]', [JSON.parse('{"__proto__":1}')]],
  ])('%s', (_, text, rows) => {
    expect(everyByteAlone(text)).toEqual(rows);
    expect(parseInChunks(Buffer.from(text), [])).toEqual(rows);
  });
});

describe('broken files', () => {
  it.each([
    ['empty file', '', 'data/not-an-array', null, 0],
    ['only white space', ' \n', 'data/not-an-array', null, 2],
    ['an object', ' {"a":1}', 'data/not-an-array', null, 1],
    ['a cut byte order mark', Buffer.from([0xef, 0xbb, 0x5b]), 'data/not-an-array', null, 2],
    ['UTF-16', Buffer.from('\uFEFF[1]', 'utf16le'), 'data/not-an-array', null, 0],
    ['binary', Buffer.from([0x80, 0x04, 0x95]), 'data/not-an-array', null, 0],
    ['a NUL byte first', '\0[1]', 'data/not-an-array', null, 0],
    ['only the opening bracket', '[', 'data/broken-json', 0, 1],
    ['end inside a string', '[1,"abc', 'data/broken-json', 1, 7],
    ['end after a backslash', '["a\\', 'data/broken-json', 0, 4],
    ['end inside an object', '[{"a":1}, {"b":', 'data/broken-json', 1, 15],
    ['end before the closing bracket', '[1, 2', 'data/broken-json', 1, 5],
    ['text after the array', '[1] x', 'data/broken-json', null, 4],
    ['a second array', '[1][2]', 'data/broken-json', null, 3],
    ['a NUL byte after the array', '[1]\0', 'data/broken-json', null, 3],
    ['comma after the last row', '[1,]', 'data/broken-json', 1, 3],
    ['comma before the first row', '[,1]', 'data/broken-json', 0, 1],
    ['two commas', '[1,,2]', 'data/broken-json', 1, 3],
    ['missing comma', '[{"a":1} {"b":2}]', 'data/broken-json', 0, 1],
    ['single quotes', "[1,{'a':1}]", 'data/broken-json', 1, 3],
    ['a comment', '[1, /* two */ 2]', 'data/broken-json', 1, 3],
    ['NaN, which Python would accept', '[1,NaN]', 'data/broken-json', 1, 3],
    ['a raw newline in a string', '["a\nb"]', 'data/broken-json', 0, 1],
    ['a raw NUL in a string', '["a\0b"]', 'data/broken-json', 0, 1],
    ['an unknown escape', '["\\x"]', 'data/broken-json', 0, 1],
    ['brackets of the wrong kind', '[[1}, 2]', 'data/broken-json', 0, 1],
    ['a closing brace too many', '[1}]', 'data/broken-json', 0, 1],
    ['bytes that are not UTF-8', Buffer.from([0x5b, 0x31, 0x2c, 0x22, 0xff, 0x22, 0x5d]), 'data/broken-json', 1, 3],
    ['an overlong encoding', Buffer.from([0x5b, 0x22, 0xc0, 0xaf, 0x22, 0x5d]), 'data/broken-json', 0, 1],
    ['a row beyond the size limit', `[1,"${'x'.repeat(1000)}"]`, 'data/row-limit', 1, 3],
    ['a row beyond the depth limit', `[1,${'['.repeat(9)}`, 'data/row-limit', 1, 11],
    ['a nesting bomb', `[${'['.repeat(100_000)}`, 'data/row-limit', 0, 9],
  ] as const)('%s', (_, content, rule, row, byteOffset) => {
    const error = errorOf(() => parseInChunks(Buffer.from(content), [], LIMITS));
    expect({ rule: error.rule, row: error.row, byteOffset: error.byteOffset }).toEqual({ rule, row, byteOffset });
    // Cut into bytes, the verdict is the same; a row that never ends is found at the limit instead of at its start.
    const sliced = errorOf(() =>
      everyByteAlone(content.length > 5000 ? content.slice(0, 5000) : Buffer.from(content), LIMITS),
    );
    expect({ rule: sliced.rule, row: sliced.row }).toEqual({ rule, row });
    expect(error.message).toMatch(/^[\x20-\x7e]+$/);
  });

  it('never quotes binary input in a message', () => {
    expect(errorOf(() => everyByteAlone('["\\q \u009b31m"]')).message).toMatch(/^[\x20-\x7e]+$/);
  });
});

it('holds one buffer while a row of many chunks grows', () => {
  const row = JSON.stringify({ text: 'x'.repeat(3_000_000) });
  const bytes = Buffer.from(`[${row},${row}]`);
  const cuts = Array.from({ length: Math.floor(bytes.length / 65_536) }, (_, index) => (index + 1) * 65_536);
  expect(parseInChunks(bytes, cuts)).toEqual([JSON.parse(row), JSON.parse(row)]);
});
