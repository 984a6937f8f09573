import { describe, expect, it } from 'vitest';
import { absoluteSet, absoluteSpecText, applySets } from '../../../src/domain/spec/edit-spec.js';
import { FULL, edited, read } from './spec-cases.js';

const COMMENTED = `# the run of the week
name: tiny # short
train:
  # found by trying
  learningRate: 2.0e-3 # peak
  env: {}
data:
  - { name: a, rows: 20 } # few
`;

describe('applySets', () => {
  it('changes values in place and keeps comments', () => {
    const { text, problems } = applySets(COMMENTED, [
      { path: 'train.learningRate', value: '1e-4' },
      { path: 'data.0.rows', value: '300' },
      { path: 'train.env.TRIES', value: '"3"' },
    ]);
    expect(problems).toEqual([]);
    expect(text).toBe(`# the run of the week
name: tiny # short
train:
  # found by trying
  learningRate: 1e-4 # peak
  env: { TRIES: "3" }
data:
  - { name: a, rows: 300 } # few
`);
  });

  it('adds sections and takes flow lists and sections as values', () => {
    const { text } = applySets(COMMENTED, [
      { path: 'train.freeze', value: '{ textDecoder: true }' },
      { path: 'accept', value: '[train/one-checkpoint]' },
      { path: 'train.checkpoint.every', value: '10' },
    ]);
    expect(text).toContain('freeze: { textDecoder: true }');
    expect(text).toContain('accept: [ train/one-checkpoint ]');
    expect(text).toMatch(/checkpoint:\n\s+every: 10/);
  });

  it.each([
    ['train.lerningRate', '1', 'there is no field "lerningRate"', 'did you mean learningRate?'],
    ['data.3.rows', '1', 'data has no entry 3', 'use data.0 to data.0'],
    ['data.first.rows', '1', 'data has no entry first', 'use data.0 to data.0'],
    ['name.first', '1', 'name has no field first', 'set name itself'],
    ['', '1', 'there is no field ""', expect.stringContaining('known keys: apiVersion')],
    ['__proto__.polluted', '1', 'there is no field "__proto__"', expect.any(String)],
    ['name', 'a: 1', '"a: 1" is no single YAML value', expect.any(String)],
    ['name', '', '"" is no single YAML value', expect.any(String)],
    ['name', '"open', String.raw`"\"open" is no single YAML value`, expect.any(String)],
    ['name', '[1', '"[1" is no single YAML value', expect.any(String)],
  ])('refuses --set %s=%s and changes nothing', (path, value, what, fix) => {
    const answer = applySets(COMMENTED, [
      { path: 'train.learningRate', value: '1' },
      { path, value },
    ]);
    expect(answer.text).toBe(COMMENTED);
    expect(answer.problems).toMatchObject([{ id: 'set/invalid', path, what, fix }]);
  });

  it('leaves judging the values to readSpec', () => {
    const { text } = applySets(FULL, [{ path: 'train.iterations', value: 'many' }]);
    expect(read(text).problems).toMatchObject([{ path: 'train.iterations', what: '"many" is text' }]);
  });

  it('leaves a text that cannot be read as it is', () => {
    expect(applySets('a: "open', [{ path: 'name', value: 'x' }])).toEqual({ text: 'a: "open', problems: [] });
    expect(applySets('a: &x 1\nname: *x\n', [{ path: 'name', value: 'x' }])).toEqual({
      text: 'a: &x 1\nname: *x\n',
      problems: [],
    });
  });
});

describe('absoluteSpecText', () => {
  it('makes a spec mean the same from any folder', () => {
    const text = edited('workspace: /mnt/shared/temper', 'workspace: ../work # here').replace(
      '/mnt/data/ready.json',
      'ready.json',
    );
    const absolute = absoluteSpecText(text, '/base/specs');
    expect(absolute).toContain('workspace: /base/work # here');
    expect(read(absolute).spec?.data[1]).toMatchObject({ annotations: '/base/specs/ready.json' });
  });

  it('returns a text without relative paths unchanged', () => {
    expect(absoluteSpecText(FULL, '/base')).toBe(FULL);
  });
});

describe('absoluteSet', () => {
  it.each([
    ['weights.source', 'path:../model', '"path:/base/model"'],
    ['data.2.images.path', 'images', '"/base/here/images"'],
    ['train.fromCheckpoint', '/mnt/x', '"/mnt/x"'],
    ['weights.source', 'seed:1', 'seed:1'],
    ['train.iterations', '5', '5'],
    ['workspace', '~/x', '~/x'],
    ['data.99999.name', 'x', 'x'],
  ])('%s=%s becomes %s', (path, value, expected) => {
    expect(absoluteSet({ path, value }, '/base/here').value).toBe(expected);
  });
});
