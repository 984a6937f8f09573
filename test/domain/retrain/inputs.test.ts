import { describe, expect, it } from 'vitest';
import { inputsFingerprint, placeFiles, setField, setWeights } from '../../../src/domain/retrain/inputs.js';
import { settingChanges } from '../../../src/domain/retrain/settings.js';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import { RetrainInputSchema } from '../../../src/schemas/retrain.js';
import { retrainSpec } from '../../e2e/support/retrains.js';
import { readFileSync } from 'node:fs';

const text = retrainSpec({ workspace: '/ws', annotations: '/rows/a.json' });
const specOf = (from: string) => {
  const { spec, problems } = readStoredSpec(from);
  if (spec === null) throw new Error(JSON.stringify(problems));
  return spec;
};
const source = { field: 'data.1.annotations', path: '/rows/a.json', kind: 'file' as const };
const recipe = { id: 'simulated', version: 1 };
const printOf = (from: string, digest = 'x', startFrom: 'base' | 'promoted' = 'base') =>
  inputsFingerprint(specOf(from), recipe, [{ source, digest }], startFrom);

describe('the inputs of the day', () => {
  it('take the place of their data set, one entry per file', () => {
    const placed = placeFiles(text, 'daily', ['/rows/b.json', '/rows/c.json']);
    if ('why' in placed) throw new Error(placed.why);
    expect(specOf(placed.text).data.map((set) => [set.name, 'annotations' in set ? set.annotations : null])).toEqual([
      ['held', null],
      ['daily', '/rows/b.json'],
      ['daily-2', '/rows/c.json'],
    ]);
    const again = placeFiles(placed.text, 'daily', ['/rows/d.json', '/rows/e.json']);
    expect('text' in again ? specOf(again.text).data.map(({ name }) => name) : again.why).toEqual([
      ...['held', 'daily', 'daily-3', 'daily-2'],
    ]);
    expect(placeFiles(text, 'nobody', ['/x'])).toEqual({ why: 'the spec has no data set nobody' });
    expect(placeFiles(text, 'held', ['/x'])).toMatchObject({ why: expect.stringContaining('reads no file') });
    const many = Array.from({ length: 70 }, (_, index) => `/x/${index}`);
    expect(placeFiles(text, 'daily', many)).toMatchObject({
      why: '70 files make 71 data sets, and a spec has at most 64',
      fix: expect.stringContaining('at most 63 files, narrow the pattern, or take the last ones with newest: 63'),
    });
  });

  it('have the same fingerprint under another path, name, workspace or day, and another one with other content', () => {
    expect(printOf(text.replace('/rows/a.json', '/rows/b.json'))).toBe(printOf(text));
    expect(printOf(text.replace('name: retrained', 'name: other').replace('/ws', '/elsewhere'))).toBe(printOf(text));
    expect(printOf(text, 'y')).not.toBe(printOf(text));
    expect(printOf(text.replace('iterations: 30', 'iterations: 31'))).not.toBe(printOf(text));
    expect(printOf(setField(text, ['weights', 'source'], 'seed:2'))).not.toBe(printOf(text));
  });

  it('leave out where a training starts that starts from the promoted model', () => {
    const promoted = setWeights(text, 'path:/ws/models/m/versions/0001/hf');
    expect(specOf(promoted).weights).toEqual({ source: 'path:/ws/models/m/versions/0001/hf' });
    expect(printOf(promoted, 'x', 'promoted')).toBe(printOf(text, 'x', 'promoted'));
    expect(printOf(text, 'x', 'promoted')).not.toBe(printOf(text));
  });
});

it('settings differ by the fields of the file and of the spec', () => {
  const fixture: unknown = JSON.parse(
    readFileSync(new URL('../../fixtures/formats/retrain-input/v1.json', import.meta.url), 'utf8'),
  );
  const before = RetrainInputSchema.parse(fixture);
  const after = { ...before, keep: 9, specText: before.specText.replace(/iterations: \d+/, 'iterations: 77') };
  expect(settingChanges(before, before)).toEqual([]);
  expect(settingChanges(before, after)).toEqual([
    { field: 'keep', from: String(before.keep), to: '9' },
    { field: 'spec.train.iterations', from: expect.any(String), to: '77' },
  ]);
  expect(settingChanges(before, { ...before, approvalMs: 60_000, timing: { ...before.timing, pollMs: 1 } })).toEqual([
    { field: 'approval', from: null, to: '60 s' },
    { field: 'timing.poll', from: `${before.timing.pollMs / 1_000} s`, to: '0.001 s' },
  ]);
  const command = { by: 'command' as const, argv: ['measure'] };
  expect(settingChanges(before, { ...before, evaluation: command, evaluationMs: 1_000 })).toEqual([
    { field: 'evaluation', from: expect.any(String), to: '{"argv":["measure"],"by":"command"}' },
    { field: 'evaluationTimeout', from: '3600 s', to: '1 s' },
  ]);
  expect(settingChanges(null, before).every(({ from, to }) => from === null && to !== null)).toBe(true);
});
