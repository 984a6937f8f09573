import { symlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertRows } from '../../../src/host/data/convert-rows.js';
import type { DataProgress } from '../../../src/schemas/data.js';
import { site, written } from './convert-site.js';
import { llava } from './support.js';

describe('kept rows', () => {
  it('are what the upstream script makes of them', async () => {
    const turns = [
      { from: 'human', value: '<image>\nWhat é 城 🚲 "x" \\ \u2028?', weight: 1 },
      { from: 'gpt', value: ' as it is \r\n' },
      { from: 'human', value: 'And?' },
      { from: 'gpt', value: 'no <b>image</b>' },
    ];
    const { options } = site([{ id: '1', image: 'a.jpg', conversations: turns, extra: {} }]);
    await convertRows({ ...options, mediaPrefix: './train2017' });
    expect(written(options)).toEqual([
      {
        images: ['./train2017/a.jpg'],
        messages: turns.map(({ from, value }) => ({ role: from === 'human' ? 'user' : 'assistant', content: value })),
      },
    ]);
  });

  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
    ['an empty list', []],
  ])('are text-only when image is %s', async (_, image) => {
    const { options } = site([{ ...llava(undefined), ...(image === undefined ? {} : { image }) }]);
    const report = await convertRows(options);
    expect(report).toMatchObject({ kept: 1, textOnly: 1, dropped: 0, droppedBy: [] });
    expect(written(options)).toMatchObject([{ images: [] }]);
  });

  it.each([
    ['a.jpg', '', 'a.jpg'],
    ['sub/deep/b.jpg', 'train', 'train/sub/deep/b.jpg'],
    ['./a.jpg', 'train/', 'train/./a.jpg'],
    ['sub//deep/b.jpg', './train/', './train/sub//deep/b.jpg'],
    ['with space, comma.jpg', '/data', '/data/with space, comma.jpg'],
    ['城.jpg', '', '城.jpg'],
  ])('name %s below %j as %s', async (image, mediaPrefix, path) => {
    const { options } = site([llava(image)], ['a.jpg', 'sub/deep/b.jpg', 'with space, comma.jpg', '城.jpg']);
    await convertRows({ ...options, mediaPrefix });
    expect(written(options)).toMatchObject([{ images: [path] }]);
  });

  it('follow links that stay inside the images folder', async () => {
    const { folder, options } = site([llava('link.jpg'), llava('linked/b.jpg')], ['a.jpg', 'sub/b.jpg']);
    symlinkSync('a.jpg', join(folder, 'images/link.jpg'));
    symlinkSync('sub', join(folder, 'images/linked'));
    expect(await convertRows(options)).toMatchObject({ kept: 2 });
  });

  it('are found when the images folder itself is a link', async () => {
    const { folder, options } = site([llava('a.jpg')]);
    symlinkSync('images', join(folder, 'images-link'));
    expect(await convertRows({ ...options, imagesDir: join(folder, 'images-link') })).toMatchObject({ kept: 1 });
  });

  it('need no images folder when they are text-only', async () => {
    const { options } = site([llava(undefined), llava('a.jpg')]);
    const { imagesDir: _, ...textOnly } = options;
    const report = await convertRows({ ...textOnly, maxDropped: 0.5 });
    expect(report).toMatchObject({ images: null, kept: 1, droppedBy: [{ id: 'data/image-missing', count: 1 }] });
  });

  it('of megabytes pass through unchanged', async () => {
    const answer = 'é'.repeat(3_000_000);
    const { options } = site([llava('a.jpg'), llava('a.jpg', 'q', answer), llava(undefined)]);
    const report = await convertRows(options);
    expect(report.bytesWritten).toBe(statSync(options.output).size);
    expect(written(options)).toMatchObject([{}, { messages: [{}, { content: answer }] }, {}]);
  });
});

describe('the report', () => {
  it('counts every dropped row once and shows five examples of each reason', async () => {
    const missing = Array.from({ length: 7 }, (_, index) => llava(`gone-${index}.jpg`));
    const { options } = site([llava('a.jpg'), ...missing, { conversations: 'x', image: 5 }]);
    const report = await convertRows({ ...options, maxDropped: 0.9 });
    expect(report).toMatchObject({ rows: 9, kept: 1, dropped: 8 });
    expect(report.droppedBy.map(({ id, count }) => [id, count])).toEqual([
      ['data/image-missing', 7],
      ['data/no-turns', 1],
    ]);
    expect(report.droppedBy[0]?.examples.map(({ row, what }) => [row, what])).toEqual(
      [1, 2, 3, 4, 5].map((row) => [row, `"gone-${row - 1}.jpg"`]),
    );
  });

  it('follows the conversion', async () => {
    const { options } = site(Array.from({ length: 2000 }, () => llava('a.jpg', 'q', 'x'.repeat(500))));
    const seen: DataProgress[] = [];
    const report = await convertRows({ ...options, onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.map(({ rows }) => rows)).toEqual(seen.map(({ rows }) => rows).toSorted((a, b) => a - b));
    expect(seen.at(-1)).toEqual({ bytesRead: report.bytesRead, bytesTotal: report.bytesRead, rows: 2000 });
  });

  it('stops at maxSamples rows', async () => {
    const { options } = site([llava('a.jpg'), llava('a.jpg'), llava('gone.jpg')]);
    expect(await convertRows({ ...options, maxSamples: 2 })).toMatchObject({ rows: 2, kept: 2 });
    expect(written(options)).toHaveLength(2);
  });
});
