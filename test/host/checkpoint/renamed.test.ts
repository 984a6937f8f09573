import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyFixture, verify, warningIds } from './fixtures.js';

describe('a whole checkpoint', () => {
  test.each([
    ['stored', 'dcp/iter_0000004', 4, []],
    ['that it was written for', 'dcp/iter_0000002', 2, ['generation-untold']],
    ['none of converted weights', 'dcp-release/release', null, []],
  ])('may have been renamed: its iteration is the one %s', async (_, name, iteration, warnings) => {
    const dir = join(dirname(await copyFixture(name)), 'my-checkpoint');
    await rename(join(dirname(dir), basename(name)), dir);
    const report = await verify(dir, true);
    expect(report).toMatchObject({ complete: true, iteration });
    expect(warningIds(report)).toEqual(warnings);
  });

  test('of which nothing tells the iteration has none, with a warning', async () => {
    const dir = join(dirname(await copyFixture('dcp-release/release')), 'my-checkpoint');
    await rename(join(dirname(dir), 'release'), dir);
    const metadata = join(dir, '.metadata');
    const text = (await readFile(metadata)).toString('latin1');
    await writeFile(metadata, Buffer.from(text.replaceAll('release', 'earlier'), 'latin1'));
    expect(await verify(dir)).toMatchObject({
      complete: true,
      iteration: null,
      warnings: [{ id: 'iteration-unknown', where: dir }],
    });
  });

  test('has an optimizer only with its moments', async () => {
    const dir = await copyFixture('dcp/iter_0000004');
    const metadata = join(dir, '.metadata');
    const text = (await readFile(metadata)).toString('latin1');
    await writeFile(metadata, Buffer.from(text.replaceAll('exp_avg', 'exp_bvg'), 'latin1'));
    expect(await verify(dir)).toMatchObject({ hasOptimizer: false });
  });
});
