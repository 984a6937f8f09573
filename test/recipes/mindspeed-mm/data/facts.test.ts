import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkFacts, dataFacts } from '../../../../src/recipes/mindspeed-mm/data/facts.js';
import { preparedSets, rowFiles, wholePathPrefix } from '../../../../src/recipes/mindspeed-mm/data/sets.js';
import { fetchFacts } from '../../../../src/recipes/fetch-commands.js';
import { guideSpec } from '../training/support.js';

const report = (file: string, rows: number, textOnly: number) => ({
  file,
  rows,
  textOnly,
  distinctImages: rows - textOnly,
});
const llava = (name: string, over: object = {}) => ({ name, format: 'llava', annotations: `/d/${name}.json`, ...over });
const ready = (name: string, over: object = {}) => ({ name, format: 'mllm', annotations: `/d/${name}.json`, ...over });
const IMAGES = { images: { path: '/d/images' } };

describe('facts of the data', () => {
  const spec = guideSpec();

  it('are those of all sets together', () => {
    expect(checkFacts(spec, [report('a', 100, 20), report('b', 28, 28)])).toEqual({
      facts: { rows: 128, textOnly: 48, images: 80 },
      problems: [],
    });
  });

  it('name too few rows for one step of all ranks, whatever each set has', () => {
    const { problems } = checkFacts(spec, [report('a', 100, 0), report('b', 27, 0)]);
    expect(problems).toMatchObject([{ what: '127 rows in all data sets, one step of all ranks takes 128' }]);
  });

  it.each([
    ['text before images', [report('a', 100, 100), report('b', 100, 99)], 1],
    ['images before text', [report('b', 100, 99), report('a', 100, 100)], 0],
    ['text only', [report('a', 100, 100), report('b', 100, 100)], 0],
    ['one mixed set', [report('a', 200, 199)], 0],
  ])('%s: %#', (_, reports, count) => {
    const { problems } = checkFacts(spec, reports);
    expect(problems).toHaveLength(count);
    for (const { what } of problems) expect(what).toContain('no row of a has an image');
  });

  it('say where fetched files came from', () => {
    const manifest: unknown = JSON.parse(
      readFileSync(new URL('../../../fixtures/formats/fetch-manifest/v1.json', import.meta.url), 'utf8'),
    );
    expect(dataFacts(spec, [manifest])).toEqual(fetchFacts([manifest]));
    expect(dataFacts(spec, [])).toEqual({ facts: {}, problems: [] });
  });

  it('refuse a report of another form', () => {
    expect(checkFacts(spec, [{ rows: 'many' }]).problems).toMatchObject([
      { what: 'a data report has an unknown form' },
    ]);
  });
});

describe('sets', () => {
  const written = (data: readonly object[]): string[] =>
    preparedSets(guideSpec({ data })).map(({ set, isWritten }) => `${set.name}${isWritten ? ' written' : ''}`);

  it.each([
    ['one ready set lies where it is', [ready('a', IMAGES)], ['a']],
    ['ready text too', [ready('a')], ['a']],
    ['a part of it is written', [ready('a', { maxSamples: 3 })], ['a written']],
    ['with images from an archive it is written', [ready('a', { images: { zip: '/d/i.zip' } })], ['a written']],
    ['several may differ in columns and folders', [ready('a', IMAGES), ready('b', IMAGES)], ['a written', 'b written']],
    [
      'those with images come first, in their order',
      [llava('a'), llava('b', IMAGES), ready('c'), llava('d', IMAGES)],
      ['b written', 'd written', 'a written', 'c written'],
    ],
  ])('%s', (_, data, expected) => {
    expect(written(data)).toEqual(expected);
  });

  it.each([
    ['/d/images', './d/images'],
    ['/d/images/', './d/images/'],
    ['/', './'],
  ])('image names below %s are written below %s', (folder, prefix) => {
    expect(wholePathPrefix(folder)).toBe(prefix);
  });

  it('are found among the outputs in their order; none is an error', () => {
    const two = guideSpec({ data: [ready('a', IMAGES), ready('b', IMAGES)] });
    expect(rowFiles(two, { 'rows.1': '/b', imageRoot: '/', 'rows.0': '/a' })).toEqual(['/a', '/b']);
    expect(() => rowFiles(two, { imageRoot: '/' })).toThrow('left no rows of a');
    expect(() => rowFiles(two)).toThrow('left no rows of a');
  });
});
