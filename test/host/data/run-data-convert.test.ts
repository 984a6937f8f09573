import { describe, expect, it } from 'vitest';
import { runDataConvert } from '../../../src/host/data/run-data-convert.js';
import { failureOf, site } from './convert-site.js';
import { llava } from './support.js';

describe('runDataConvert', () => {
  it.each([
    ['0%', 'data/too-many-dropped'],
    ['30%', 'data/too-many-dropped'],
    ['0.49', 'data/too-many-dropped'],
    ['50 %', undefined],
    ['0.5', undefined],
    ['100%', undefined],
    ['101%', 'data/bad-option'],
    ['half', 'data/bad-option'],
    ['', 'data/bad-option'],
    ['-1%', 'data/bad-option'],
  ])('--max-dropped %s', async (maxDropped, id) => {
    const { options } = site([llava('a.jpg'), llava('gone.jpg')]);
    const { annotations, imagesDir: images, output } = options;
    const run = runDataConvert({ format: 'llava', annotations, images, output, maxDropped });
    if (id === undefined) expect(await run).toMatchObject({ v: 1, kept: 1 });
    else expect((await failureOf(run)).id).toBe(id);
  });

  it('refuses a format that it does not know', async () => {
    const { options } = site([]);
    const failure = await failureOf(
      runDataConvert({ format: 'alpaca', annotations: options.annotations, output: options.output }),
    );
    expect(failure.message).toContain('alpaca');
  });
});
