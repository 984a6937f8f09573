import { appendFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyFixture, verify, warningIds } from './fixtures.js';

describe('odd facts are only warnings', () => {
  test('a shard larger than the metadata says', async () => {
    const dir = await copyIteration();
    await appendFile(join(dir, '__0_0.distcp'), 'x');
    await utimes(join(dir, '__0_0.distcp'), 1e9, 1e9);
    const report = await verify(dir, true);
    expect(report.complete).toBe(true);
    expect(warningIds(report)).toEqual(['shard-larger']);
  });

  test('a shard newer than the metadata', async () => {
    const dir = await copyIteration();
    await utimes(join(dir, '__0_0.distcp'), 1e9, 1e9 + 60);
    const report = await verify(dir);
    expect(report.complete).toBe(true);
    expect(report.warnings).toMatchObject([{ id: 'shard-newer', what: 'written 60000 ms after .metadata' }]);
  });

  test('a newer shard, once its content was read: no advice to read it again', async () => {
    const dir = await copyIteration();
    await utimes(join(dir, '__0_0.distcp'), 1e9, 1e9 + 60);
    expect((await verify(dir)).warnings).toMatchObject([{ fix: expect.stringContaining('--deep') }]);
    const { complete, warnings } = await verify(dir, true);
    expect(complete).toBe(true);
    expect(warnings).toMatchObject([{ id: 'shard-newer', fix: expect.not.stringContaining('--deep') }]);
  });

  test('an empty shard of a rank that had nothing to save counts as a rank', async () => {
    const dir = await copyIteration();
    await writeFile(join(dir, '__2_0.distcp'), '');
    expect(await verify(dir)).toMatchObject({ complete: true, worldSize: 3, warnings: [] });
  });
});

async function copyIteration(): Promise<string> {
  return join(await copyFixture('dcp'), 'iter_0000004');
}
