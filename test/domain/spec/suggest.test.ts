import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from '../../../src/domain/spec/suggest.js';

describe('suggest', () => {
  it.each([
    ['iteratons', 'iterations'],
    ['learning_rate', 'learningRate'],
    ['LEARNINGRATE', 'learningRate'],
    ['zebra', null],
    ['x', null],
  ])('%s means %s', (text, expected) => {
    expect(suggest(text, ['iterations', 'learningRate', 'env'])).toBe(expected);
  });
});

describe('editDistance', () => {
  it('counts inserts, deletions, replacements and swaps', () => {
    expect([
      editDistance('abc', 'abc'),
      editDistance('abc', 'acb'),
      editDistance('abc', 'ab'),
      editDistance('', 'abc'),
      editDistance('kitten', 'sitting'),
    ]).toEqual([0, 1, 1, 3, 3]);
  });

  it('is symmetric, bounded by the longer text, and zero for equal texts only', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance === 0).toBe(a === b);
      }),
    );
  });
});
