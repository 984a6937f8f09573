import { describe, expect, it } from 'vitest';
import { asFlags, correctionsBetween } from '../../../src/domain/spec/corrections.js';
import { applySets } from '../../../src/domain/spec/edit-spec.js';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import { tinySpec } from '../../e2e/support/tiny-spec.js';

const TEXT = tinySpec({ name: 'tiny', workspace: '/ws', iterations: 20, env: { GREETING: 'hello' } });
const specOf = (text: string) => {
  const { spec, problems } = readStoredSpec(text);
  if (spec === null) throw new Error(JSON.stringify(problems));
  return spec;
};
const between = (text: string) => correctionsBetween(specOf(TEXT), specOf(text));

describe('the corrections between two specs', () => {
  it.each([
    ['iterations: 20', 'iterations: 50', [{ path: 'train.iterations', value: '50' }]],
    ['heldOutRows: 10', 'heldOutRows: 20', [{ path: 'data.0.heldOutRows', value: '20' }]],
    ['"hello"', '"yes, it is"', [{ path: 'train.env.GREETING', value: 'yes, it is' }]],
    ['"hello"', '"0123"', [{ path: 'train.env.GREETING', value: '"0123"' }]],
    ['dtype: f32', 'dtype: bf16', [{ path: 'export.dtype', value: 'bf16' }]],
    ['microBatchSize: 4', 'microBatchSize: 4', []],
  ])('%s to %s', (from, to, expected) => {
    const text = TEXT.replace(from, to);
    expect(text === TEXT).toBe(from === to);
    const sets = between(text);
    expect(sets).toEqual(expected);
    const corrected = applySets(TEXT, sets ?? []);
    expect(corrected.problems).toEqual([]);
    expect(specOf(corrected.text)).toEqual(specOf(text));
  });

  it('of a longer list are the whole list, which resume takes', () => {
    const more = TEXT.replace('train:\n', '  - { name: rows, format: mllm, annotations: /rows.json }\ntrain:\n');
    const sets = between(more);
    expect(sets?.map(({ path }) => path)).toEqual(['data']);
    const corrected = applySets(TEXT, sets ?? []);
    expect(corrected.problems).toEqual([]);
    expect(specOf(corrected.text)).toEqual(specOf(more));
  });

  it('are not told when a field is gone that has no default', () => {
    expect(between(TEXT.replace('"GREETING":"hello"', ''))).toBeNull();
  });
});

describe('corrections as flags', () => {
  it.each([
    [[{ path: 'a.b', value: '5' }], '--set a.b=5'],
    [[{ path: 'a', value: "it's {x: 1}" }], String.raw`--set 'a=it'\''s {x: 1}'`],
    [[], null],
    [null, null],
    [Array.from({ length: 7 }, (_, index) => ({ path: `a.${index}`, value: '1' })), null],
  ])('%j', (sets, expected) => {
    expect(asFlags(sets)).toBe(expected);
  });
});
