import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertRows } from '../../../src/host/data/convert-rows.js';
import { readRows } from '../../../src/host/data/read-rows.js';
import { runDataCheck } from '../../../src/host/data/run-data-check.js';
import { site, written } from './convert-site.js';
import { llava, mllm, png, put, scratchFolder } from './support.js';

describe('ready rows', () => {
  it('keep messages and images, and lose every other column', async () => {
    const rows = [
      { id: 1, ...mllm(['a.jpg', 'sub/b.jpg'], 'é 城') },
      { messages: mllm([]).messages },
      { ...mllm([]), images: null },
    ];
    const { options } = site(rows, ['a.jpg', 'sub/b.jpg']);
    const report = await convertRows({ ...options, format: 'mllm', mediaPrefix: './d' });
    expect(report).toMatchObject({ format: 'mllm', rows: 3, kept: 3, textOnly: 2, dropped: 0 });
    expect(written(options)).toEqual([
      { ...mllm(['a.jpg', 'sub/b.jpg'], 'é 城'), images: ['./d/a.jpg', './d/sub/b.jpg'] },
      mllm([]),
      mllm([]),
    ]);
  });

  it.each([
    ['a row a line', '\n', ''],
    ['lines of Windows, and a last one', '\r\n', '\r\n'],
    ['blank lines and a byte order mark', ' \n\n\t\n', ' \n', '\uFEFF \n'],
  ])('are read from JSON Lines too: %s', async (_what, between, last, first = '') => {
    const rows = [mllm(['a.jpg'], 'é 城\n"[{'), mllm([]), mllm([], 'x'.repeat(70_000)), mllm(['a.jpg'])];
    const { options } = site(rows, ['a.jpg']);
    await convertRows({ ...options, format: 'mllm' });
    const wanted = written(options);
    const text = first + rows.map((row) => JSON.stringify(row)).join(between) + last;
    const lines = { ...options, annotations: put(scratchFolder(), 'rows.jsonl', text), output: `${options.output}.2` };
    expect(await convertRows({ ...lines, format: 'mllm' })).toMatchObject({ rows: 4, kept: 4, dropped: 0 });
    expect(written(lines)).toEqual(wanted);
    // As upstream's script, which reads one document.
    await expect(convertRows({ ...lines, format: 'llava' })).rejects.toMatchObject({ id: 'data/broken-annotations' });
  });

  it.each([
    ['a row a line', '\n', '', [1, 2, 3, 7]],
    ['lines of Windows', '\r\n', '', [1, 2, 3, 7]],
    ['a byte order mark before blank lines', ' \n', '\uFEFF \n', [7, 8]],
  ])('are read from JSON Lines in small chunks: %s', async (_what, between, first, sizes) => {
    const rows = [mllm(['a.jpg'], 'é 城\n"[{'), mllm([]), mllm([], 'x'.repeat(2_000)), mllm(['a.jpg'])];
    const file = put(scratchFolder(), 'rows.jsonl', first + rows.map((row) => JSON.stringify(row)).join(between));
    for (const chunkBytes of [...sizes, 1_000]) {
      const found: unknown[] = [];
      for await (const batch of readRows(file, { chunkBytes, allowLines: true })) {
        expect(batch.firstRow).toBe(found.length);
        found.push(...batch.rows);
      }
      expect(found).toEqual(rows);
    }
  });

  it.each([
    ['a comma between', '{"a":1},\n{"a":2}', 1, 8],
    ['a row over two lines', '{"a":1}\n{"a":\n2}', 1, 8],
    ['a row cut off', '{"a":1}\n{"a', 1, null],
    ['two rows in a line', '{"a":1} {"a":2}', 0, 0],
  ])('are refused as JSON Lines with %s', async (_what, text, row, byteOffset) => {
    const file = put(scratchFolder(), 'rows.jsonl', text);
    const reading = async (): Promise<void> => {
      for await (const { rows } of readRows(file, { allowLines: true })) expect(rows.length).toBeLessThan(2);
    };
    await expect(reading()).rejects.toMatchObject({
      rule: 'data/broken-json',
      row,
      ...(byteOffset === null ? {} : { byteOffset }),
    });
  });

  it.each([
    ['one of several images missing', mllm(['a.jpg', 'gone.jpg', 'gone too.jpg']), 'data/image-missing'],
    ['too few placeholders', { ...mllm(['a.jpg']), images: ['a.jpg', 'a.jpg'] }, 'data/placeholder-count'],
    ['an image out of the folder', mllm(['../a.jpg']), 'data/image-outside-root'],
    ['a whole path', mllm(['/etc/hosts']), 'data/image-outside-root'],
    ['rows before the conversion', llava('a.jpg'), 'data/conversations-format'],
    ['no row at all', 7, 'data/not-an-object'],
  ])('with %s are left out, each once', async (_, row, id) => {
    const { options } = site([mllm([]), row]);
    const report = await convertRows({ ...options, format: 'mllm', maxDropped: 0.5 });
    expect(report).toMatchObject({ kept: 1, dropped: 1, droppedBy: [{ id, count: 1, examples: [{ row: 1 }] }] });
  });

  it('may name images by their whole path where the folder is the root of all', async () => {
    const folder = scratchFolder();
    const image = put(folder, 'a.png', png(64, 48));
    const output = join(folder, 'out.json');
    const annotations = put(folder, 'rows.json', JSON.stringify([mllm([image])]));
    await convertRows({ annotations, imagesDir: '/', output, format: 'mllm', mediaPrefix: './' });
    expect(written({ annotations, output })).toMatchObject([{ images: [`./${image}`] }]);
    for (const file of [annotations, output]) {
      expect(await runDataCheck({ file, images: '/' })).toMatchObject({ ok: true, distinctImages: 1 });
    }
  });
});

describe('the only folder of an unpacked archive', () => {
  const entered = { isOnlyFolderEntered: true, maxDropped: 0.9 };

  it('is looked into, and named', async () => {
    const { options } = site([llava('a.jpg'), llava('train2017/b.jpg')], ['train2017/a.jpg', 'train2017/b.jpg']);
    await convertRows({ ...options, ...entered, mediaPrefix: './i' });
    expect(written(options)).toMatchObject([{ images: ['./i/train2017/a.jpg'] }, { images: ['./i/train2017/b.jpg'] }]);
  });

  it('is the only one beside what desktops add', async () => {
    const { options } = site([llava('a.jpg')], ['train2017/a.jpg', '__MACOSX/train2017/._a.jpg', '.DS_Store']);
    await convertRows({ ...options, ...entered, mediaPrefix: './i' });
    expect(written(options)).toMatchObject([{ images: ['./i/train2017/a.jpg'] }]);
  });

  it('is not looked into unasked', async () => {
    const { options } = site([llava('a.jpg'), llava(undefined)], ['train2017/a.jpg']);
    expect(await convertRows({ ...options, maxDropped: 0.9 })).toMatchObject({ kept: 1, dropped: 1 });
  });

  it.each([
    ['two folders', ['train2017/a.jpg', 'val2017/b.jpg']],
    ['a file beside it', ['train2017/a.jpg', 'LICENSE']],
  ])('is none with %s', async (_, images) => {
    const { options } = site([llava('a.jpg'), llava(undefined)], images);
    expect(await convertRows({ ...options, ...entered })).toMatchObject({ kept: 1, dropped: 1 });
  });

  it('gives nothing that leads out of it', async () => {
    const { folder, options } = site([llava('../../x.jpg'), llava('link.jpg'), llava(undefined)], ['train2017/a.jpg']);
    symlinkSync(put(folder, 'x.jpg', ''), join(folder, 'images/train2017/link.jpg'));
    expect(await convertRows({ ...options, ...entered })).toMatchObject({ kept: 1, dropped: 2 });
  });
});
