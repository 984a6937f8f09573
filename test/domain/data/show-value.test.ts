import { describe, expect, it } from 'vitest';
import { showValue } from '../../../src/domain/data/show-value.js';

describe('showValue', () => {
  it.each([
    ['text', '"text"'],
    ['\u001b[31m\0', '"\\u001b[31m\\u0000"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}"…`],
    [null, 'null'],
    [undefined, 'undefined'],
    [1.5, '1.5'],
    [[1, 2], 'an array of 2'],
    [{}, 'an empty object'],
    [{ a: 1, b: 2 }, 'an object with "a", "b"'],
    [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }, 'an object with "a", "b", "c", "d", "e", …'],
  ])('%j', (value, expected) => {
    expect(showValue(value)).toBe(expected);
  });
});
