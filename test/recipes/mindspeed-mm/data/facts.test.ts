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
  textRuns: [],
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

  const mixed = (file: string, rows: number, ...textRuns: readonly (readonly [number, number])[]) => ({
    ...report(file, rows, 1),
    textRuns: textRuns.map(([start, end]) => ({ start, end })),
  });
  const workers = (preprocessWorkers: number, over: object = {}) => ({ preprocessWorkers, ...over });
  // What the loader does with rows of these forms was seen with its own code and datasets 5.2.
  it.each([
    ['1000 rows of text at the beginning', workers(1), [mixed('a', 1050, [0, 1000])], 'row 1000 of a'],
    ['999 rows of text at the beginning', workers(1), [mixed('a', 1050, [0, 999])], null],
    ['parts too small for it', workers(16), [mixed('a', 1050, [0, 1000])], null],
    ['a part that begins with text', workers(2), [mixed('a', 6000, [3000, 5000])], 'row 5000 of a'],
    ['text in the middle of the only part', workers(1), [mixed('a', 6000, [3000, 5000])], null],
    ['text at the end', workers(2), [mixed('a', 3000), mixed('b', 3000, [0, 3000])], null],
    [
      'ends of two files that meet',
      workers(2),
      [mixed('a', 3000, [2400, 3000]), mixed('b', 1800, [0, 500])],
      'row 500 of b',
    ],
    ['a stream', workers(1, { streaming: true }), [mixed('a', 1050, [0, 1000])], null],
  ])('%s: what a worker takes an image for', (_, dataLoader, reports, expected) => {
    const { problems } = checkFacts(guideSpec({ train: { dataLoader } }), reports);
    expect(problems.map(({ what }) => what)).toEqual(
      expected === null ? [] : [`${expected} has an image after 1000 rows and more without one`],
    );
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
