import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkMllm } from '../../../src/host/data/check-mllm.js';
import { runDataCheck } from '../../../src/host/data/run-data-check.js';
import type { DataProgress } from '../../../src/schemas/data.js';
import { mllm, png, put, scratchFolder } from './support.js';

function dataSet(rows: readonly unknown[]): { file: string; images: string } {
  const folder = scratchFolder();
  const images = join(folder, 'images');
  mkdirSync(images);
  // 280 x 280 pixels are exactly 100 tokens of 28 x 28.
  put(images, 'a.png', png(280, 280));
  put(images, 'b.png', png(10, 10));
  return { file: put(folder, 'data.json', JSON.stringify(rows)), images };
}

describe('a sound data set', () => {
  it('is reported with its counts and estimates', async () => {
    const { file, images } = dataSet([mllm(['a.png'], 'q'.repeat(35), 'a'.repeat(35)), mllm([], '1234', '567')]);
    const report = await runDataCheck({ file, images });
    expect(report).toMatchObject({
      v: 1,
      ok: true,
      rows: 2,
      validRows: 2,
      textOnly: 1,
      distinctImages: 1,
      problems: [],
    });
    // 100 image tokens and 70 characters / 3.5; 7 characters / 3.5 in the other row.
    expect(report.estimatedTokens).toEqual({ max: 120, mean: 61 });
  });

  it('tells where many rows without an image follow each other, and those at both ends', async () => {
    const text = (rows: number): unknown[] => Array.from({ length: rows }, () => mllm([]));
    const image = mllm(['a.png']);
    const { file, images } = dataSet([...text(2), image, ...text(999), image, ...text(1000), image, ...text(1)]);
    expect(await runDataCheck({ file, images })).toMatchObject({
      ok: true,
      textRuns: [
        { start: 0, end: 2 },
        { start: 1003, end: 2003 },
        { start: 2004, end: 2005 },
      ],
    });
    expect((await runDataCheck(dataSet([image]))).textRuns).toEqual([]);
    expect((await runDataCheck(dataSet(text(3)))).textRuns).toEqual([{ start: 0, end: 3 }]);
  });

  it('tells its progress up to the end of the file', async () => {
    const { file, images } = dataSet(Array.from({ length: 1000 }, () => mllm([], 'q', 'x'.repeat(1000))));
    const seen: DataProgress[] = [];
    const report = await runDataCheck({ file, images, onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ bytesRead: report.bytesRead, bytesTotal: report.bytesRead, rows: 1000 });
  });

  it('with images in a few rows only has its column', async () => {
    const { file, images } = dataSet([
      mllm(['a.png']),
      { messages: mllm([])['messages'] },
      { ...mllm([]), images: null },
    ]);
    expect((await runDataCheck({ file, images })).problems).toEqual([]);
  });

  it('of text only needs no images folder', async () => {
    const { file } = dataSet([mllm([]), mllm([])]);
    expect(await runDataCheck({ file })).toMatchObject({ ok: true, images: null, textOnly: 2 });
  });

  it('leaves text verbatim that only looks like a placeholder', async () => {
    const { file, images } = dataSet([mllm(['a.png'], '<IMAGE> <image > < image>')]);
    expect((await runDataCheck({ file, images })).ok).toBe(true);
  });
});

describe('image sizes', () => {
  it.each([
    ['as they are', ['a.png'], {}, 100],
    ['scaled down to the largest size', ['a.png'], { imageMaxPixels: 784 * 7 }, 7],
    ['scaled up to the smallest size', ['b.png'], { imageMinPixels: 784 * 4 }, 4],
    ['rounded up', ['b.png'], {}, 1],
    ['added up', ['a.png', 'b.png', 'a.png'], {}, 201],
  ] as const)('count %s', async (_, names, tokens, expected) => {
    // Seven characters of text are two tokens.
    const { file, images } = dataSet([mllm(names, 'abc', 'abcd')]);
    const report = await runDataCheck({ file, images, tokens });
    expect(report.estimatedTokens.max - 2).toBe(expected);
  });
});

describe('limits', () => {
  const options = (rows: readonly unknown[], change: { sequenceLength?: number; worldBatch?: number }) => {
    const { file, images } = dataSet(rows);
    return { file, images, ...change };
  };
  it.each([
    ['exactly as long as the sequence', 102, true, []],
    ['longer than the sequence: the answer is whole, the image is not', 101, true, ['data/image-cut']],
    ['image exactly as long as the sequence', 100, true, ['data/image-cut']],
    ['image longer than the sequence', 99, false, ['data/images-exceed-sequence', 'data/rows-below-batch']],
  ] as const)('%s', async (_, sequenceLength, ok, problems) => {
    const report = await runDataCheck(options([mllm(['a.png'], 'abc', 'abcd')], { sequenceLength }));
    expect({ ok: report.ok, problems: report.problems.map(({ id }) => id) }).toEqual({ ok, problems });
  });

  it.each([
    [3, true],
    [4, false],
  ])('three valid rows for a world batch of %i', async (worldBatch, ok) => {
    const report = await runDataCheck(options([mllm([]), mllm([]), mllm([])], { worldBatch }));
    expect(report.ok).toBe(ok);
  });

  it('count valid rows only', async () => {
    const report = await runDataCheck(options([mllm([]), mllm([]), mllm(['gone.png'])], { worldBatch: 3 }));
    expect(report.problems.find(({ id }) => id === 'data/rows-below-batch')?.examples[0]?.what).toBe(
      '2 valid of 3 rows, the world batch is 3',
    );
  });
});

it('tells all problems at once, errors first, and probes each image once', async () => {
  const { file, images } = dataSet([
    ...Array.from({ length: 8 }, () => mllm(['a.png', 'gone.png'])),
    mllm([], '<image>', ''),
    mllm(['b.png'], 'q', 'x'.repeat(10_000)),
  ]);
  const report = await runDataCheck({ file, images, sequenceLength: 1000, worldBatch: 1 });
  expect(report.distinctImages).toBe(3);
  expect(report.problems.map(({ id, count, examples }) => [id, count, examples.length])).toEqual([
    ['data/image-missing', 8, 5],
    ['data/empty-content', 1, 1],
    ['data/placeholder-count', 1, 1],
    ['data/sequence-exceeded', 1, 1],
  ]);
});

it.each([
  ['data/annotations-unreadable', { file: '/nonexistent/data.json' }],
  ['data/images-unreadable', { images: '/nonexistent' }],
])('throws %s, because nothing could be judged', async (id, change) => {
  const { file, images } = dataSet([mllm([])]);
  await expect(runDataCheck({ file, images, ...change })).rejects.toMatchObject({ id });
});

it('stops when aborted, with the reason', async () => {
  const { file, images } = dataSet(Array.from({ length: 3000 }, () => mllm([], 'q', 'x'.repeat(1000))));
  const abort = new AbortController();
  const reason = new Error('asked to stop');
  const check = checkMllm({
    file,
    imageRoot: images,
    sequenceLength: 1e6,
    worldBatch: 1,
    tokens: { imageMinPixels: 0, imageMaxPixels: 1e9, pixelsPerImageToken: 784, charsPerToken: 3.5 },
    signal: abort.signal,
    onProgress: () => abort.abort(reason),
  });
  await expect(check).rejects.toBe(reason);
});
