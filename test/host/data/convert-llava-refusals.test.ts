import { chmodSync, linkSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertRows } from '../../../src/host/data/convert-rows.js';
import type { ConvertRowsOptions } from '../../../src/host/data/convert-rows.js';
import { failureOf, outputFolder, site } from './convert-site.js';
import { llava, put } from './support.js';

describe('refusals', () => {
  const good = llava('a.jpg');
  it.each<[string, string, unknown, Partial<ConvertRowsOptions>, RegExp]>([
    ['no rows', 'data/nothing-kept', [], {}, /hold no rows/],
    [
      'no row kept',
      'data/nothing-kept',
      [llava('gone.jpg')],
      { maxDropped: 1 },
      /none of 1 rows.*image-missing 1x.*row 0: "gone\.jpg"/,
    ],
    [
      'more dropped than 0.1 %',
      'data/too-many-dropped',
      [...Array.from({ length: 998 }, () => good), llava('x'), llava('y')],
      {},
      /2 of 1000 rows dropped \(0\.2 %, accepted 0\.1 %\)/,
    ],
    [
      'more dropped than accepted',
      'data/too-many-dropped',
      [good, llava('x')],
      { maxDropped: 0.4 },
      /50 %, accepted 40 %/,
    ],
    ['broken JSON', 'data/broken-annotations', `[${JSON.stringify(good)}, {"id": }]`, {}, /row 1 is not sound JSON/],
    [
      'truncated JSON',
      'data/broken-annotations',
      `[${JSON.stringify(good)}`,
      {},
      /ends in or after row 0, before the closing \]/,
    ],
    ['binary file', 'data/broken-annotations', '\u0000\u0001\u0002', {}, /begins with byte 0x00/],
    ['share below 0', 'data/bad-option', [good], { maxDropped: -0.1 }, /maxDropped is -0\.1/],
    ['share that is no number', 'data/bad-option', [good], { maxDropped: Number.NaN }, /maxDropped is NaN/],
    ['more samples than rows', 'data/bad-option', [good], { maxSamples: 2 }, /maxSamples is 2, the file has 1 rows/],
    [
      'missing annotations',
      'data/annotations-unreadable',
      [good],
      { annotations: '/nonexistent/llava.json' },
      /ENOENT/,
    ],
    ['folder as annotations', 'data/annotations-unreadable', [good], { annotations: '/' }, /not a regular file/],
    ['missing images folder', 'data/images-unreadable', [good], { imagesDir: '/nonexistent' }, /ENOENT/],
    ['file as images folder', 'data/images-unreadable', [good], { imagesDir: '/etc/hostname' }, /ENOTDIR/],
    ['missing output folder', 'data/output-unwritable', [good], { output: '/nonexistent/out.json' }, /ENOENT/],
    ['folder as output', 'data/output-unwritable', [good], { output: '/' }, /no regular file/],
  ])('%s: %s', async (_, id, content, change, message) => {
    const here = site(content);
    const failure = await failureOf(convertRows({ ...here.options, ...change }));
    expect(failure.id).toBe(id);
    expect(failure.message).toMatch(message);
    expect(failure.problem.fix).not.toBe('');
    expect(outputFolder(here)).toEqual([]);
  });

  it('carries the counts when too much was dropped', async () => {
    const { options } = site([llava('a.jpg'), llava('gone.jpg')]);
    expect((await failureOf(convertRows(options))).report).toMatchObject({
      rows: 2,
      kept: 1,
      droppedBy: [{ id: 'data/image-missing', count: 1 }],
    });
  });

  it('accepts exactly the share', async () => {
    const { options } = site([...Array.from({ length: 999 }, () => good), llava('gone.jpg')]);
    expect(await convertRows(options)).toMatchObject({ kept: 999, dropped: 1 });
  });

  it.each(['same path', 'hard link', 'symbolic link'])('never replaces its own input: %s', async (kind) => {
    const { folder, options } = site([good]);
    const output = kind === 'same path' ? options.annotations : join(folder, 'other.json');
    if (kind === 'hard link') linkSync(options.annotations, output);
    if (kind === 'symbolic link') symlinkSync(options.annotations, output);
    const before = readFileSync(options.annotations, 'utf8');
    expect((await failureOf(convertRows({ ...options, output }))).id).toBe('data/output-is-input');
    expect(readFileSync(options.annotations, 'utf8')).toBe(before);
  });

  it('names an image folder below the root that cannot be read', async () => {
    const { folder, options } = site([llava('locked/a.jpg')]);
    put(folder, 'images/locked/a.jpg', '');
    chmodSync(join(folder, 'images/locked'), 0o000);
    // Permissions do not hold root back, who then simply converts.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) expect(await convertRows(options)).toMatchObject({ kept: 1 });
    else expect((await failureOf(convertRows(options))).problem.where).toContain('locked');
    chmodSync(join(folder, 'images/locked'), 0o700);
  });
});
