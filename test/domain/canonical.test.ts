import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical.js';
import { fingerprint, stageKey } from '../../src/domain/fingerprint.js';

/** The same data with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe('canonical JSON', () => {
  it.each([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ a: undefined, b: 2 }, '{"b":2}'],
    [[undefined, 1], '[null,1]'],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    [[, 1], '[null,1]'],
    [-0, '0'],
    [1e21, '1e+21'],
    [0.1, '0.1'],
    ['é\u2028"\n', JSON.stringify('é\u2028"\n')],
    ['\ud800', '"\\ud800"'],
    // By code unit, so that every machine agrees: neither by locale nor by number.
    [{ é: 1, z: 2, Z: 3, 10: 4, 9: 5 }, '{"10":4,"9":5,"Z":3,"z":2,"é":1}'],
    [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ])('of %j is %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it.each([
    [Number.NaN, 'NaN has no JSON form'],
    [Number.POSITIVE_INFINITY, 'Infinity has no JSON form'],
    [1n, 'a bigint has no JSON form'],
    [() => 1, 'a function has no JSON form'],
    [new Date(0), 'a Date has no JSON form'],
    [{ deep: [new Map([['a', 1]])] }, 'a Map has no JSON form'],
  ])('does not exist for %s', (value, message) => {
    expect(() => canonicalJson(value)).toThrow(new TypeError(message));
  });

  it('is the same text for equal data, and another one for other data (property)', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(canonicalJson(reversed(a))).toBe(canonicalJson(a));
        expect(canonicalJson(JSON.parse(canonicalJson(a)))).toBe(canonicalJson(a));
        const isEqual = JSON.stringify(JSON.parse(canonicalJson(a))) === JSON.stringify(JSON.parse(canonicalJson(b)));
        expect(canonicalJson(a) === canonicalJson(b)).toBe(isEqual);
      }),
    );
  });
});

describe('a fingerprint', () => {
  it('is the head of the sha256 of the canonical text', () => {
    expect(fingerprint({ b: [1], a: 'x' })).toBe('6c17667416e4e6be6ecc8334b4bf4c09');
  });

  const inputs = { own: 'o', needs: { a: '1', b: '2' }, programs: 'p', sources: 's' };

  it.each([
    ['its own parameters', { ...inputs, own: 'x' }],
    ['a need', { ...inputs, needs: { a: '1', b: '3' } }],
    ['the names of needs', { ...inputs, needs: { a: '2', b: '1' } }],
    ['a program', { ...inputs, programs: 'x' }],
    ['a source', { ...inputs, sources: 'x' }],
  ])('of a stage changes with %s', (_what, changed) => {
    expect(stageKey(changed)).not.toBe(stageKey(inputs));
  });

  it('of a stage does not depend on the order of needs, or on anything else', () => {
    const other = { sources: 's', needs: { b: '2', a: '1' }, programs: 'p', own: 'o', extra: 1 };
    expect(stageKey(other)).toBe(stageKey(inputs));
  });
});
