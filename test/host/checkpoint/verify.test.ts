import { copyFile, mkdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sealCheckpoint } from '../../../src/host/checkpoint/seal.js';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { CheckpointReportSchema } from '../../../src/schemas/checkpoint.js';
import { copyFixture, problemIds, READERS, verify, warningIds } from './fixtures.js';

const ITERATION = 'iter_0000004';

describe('a whole checkpoint', () => {
  test('with optimizer is complete, shallow and deep', async () => {
    const dir = await copyFixture('dcp');
    for (const isDeep of [false, true]) {
      const report = await verify(join(dir, ITERATION), isDeep);
      expect(report).toEqual({
        v: 1,
        complete: true,
        iteration: 4,
        worldSize: 2,
        tensors: 16,
        bytes: 22086 + 29463,
        hasOptimizer: true,
        content: { ...NOTHING, isRead: isDeep, records: isDeep ? expect.any(Number) : 0 },
        problems: [],
        warnings: [],
      });
      expect(CheckpointReportSchema.parse(report)).toEqual(report);
    }
  });

  test('without optimizer says so', async () => {
    const dir = await copyFixture('dcp');
    expect(await verify(join(dir, 'iter_0000002'), true)).toMatchObject({
      complete: true,
      iteration: 2,
      hasOptimizer: false,
    });
  });

  test('of converted weights has no iteration and one rank', async () => {
    const dir = await copyFixture('dcp-release');
    const expected = { complete: true, iteration: null, worldSize: 1, tensors: 9, hasOptimizer: false, warnings: [] };
    expect(await verify(dir, true)).toMatchObject(expected);
    expect(await verify(join(dir, 'release'), true)).toMatchObject(expected);
  });

  test('may lie behind a link with another name', async () => {
    const dir = await copyFixture('dcp');
    await symlink(join(dir, ITERATION), join(dir, 'chosen'));
    expect(await verify(join(dir, 'chosen'))).toMatchObject({ complete: true, iteration: 4, warnings: [] });
  });
});

describe('the parent folder', () => {
  test('means the folder that the tracker names', async () => {
    const dir = await copyFixture('dcp');
    await writeFile(join(dir, 'latest_checkpointed_iteration.txt'), '2\n');
    expect(await verify(dir)).toMatchObject({ complete: true, iteration: 2, warnings: [{ id: 'generation-untold' }] });
  });

  test.each([
    ['empty', ''],
    ['garbled', 'iter4?'],
    ['cut', ' '],
  ])('does not need the tracker: %s', async (_, text) => {
    const dir = await copyFixture('dcp');
    await writeFile(join(dir, 'latest_checkpointed_iteration.txt'), text);
    const report = await verify(dir);
    expect(report).toMatchObject({ complete: true, iteration: 4 });
    expect(warningIds(report)).toEqual(['tracker-unusable']);
  });

  test('does not need the tracker: a folder', async () => {
    const dir = await copyFixture('dcp');
    await rm(join(dir, 'latest_checkpointed_iteration.txt'));
    await mkdir(join(dir, 'latest_checkpointed_iteration.txt'));
    const report = await verify(dir);
    expect(report).toMatchObject({ complete: true, iteration: 4 });
    expect(warningIds(report)).toEqual(['tracker-unusable']);
  });

  test('without a tracker skips a newer folder that was never committed', async () => {
    const dir = await copyFixture('dcp');
    await rm(join(dir, 'latest_checkpointed_iteration.txt'));
    await rm(join(dir, ITERATION, '.metadata'));
    const report = await verify(dir);
    expect(report).toMatchObject({ complete: true, iteration: 2 });
    expect(warningIds(report)).toEqual(['tracker-unusable', 'newer-incomplete', 'generation-untold']);
  });

  test('whose tracker names a folder that is gone is refused', async () => {
    const dir = await copyFixture('dcp');
    await writeFile(join(dir, 'latest_checkpointed_iteration.txt'), '500');
    const report = await verify(dir);
    expect(report).toMatchObject({ complete: false, iteration: null });
    expect(report.problems).toMatchObject([
      { id: 'checkpoint-missing', what: expect.stringContaining('iter_0000500') },
    ]);
  });

  test('without any checkpoint, or none at all, is refused', async () => {
    const dir = await copyFixture('hf');
    expect(problemIds(await verify(dir))).toEqual(['checkpoint-missing']);
    expect(problemIds(await verify(join(dir, 'nowhere')))).toEqual(['folder-missing']);
    expect(problemIds(await verify(join(dir, 'config.json')))).toEqual(['folder-missing']);
  });
});

describe('a damaged checkpoint is refused with the reason', () => {
  test('torn: shards without metadata', async () => {
    const dir = await copyIteration();
    await rm(join(dir, '.metadata'));
    expect(await verify(dir)).toMatchObject({ complete: false, iteration: 4, problems: [{ id: 'metadata-missing' }] });
  });

  test.each([
    ['empty', Buffer.alloc(0), 'the file is empty'],
    ['garbage', Buffer.from('not a pickle at all'), 'not a pickle'],
    ['plain data', Buffer.from([0x80, 4, 0x7d, 0x2e]), 'plain data'],
    ['old protocol', Buffer.from([0x80, 1, 0x2e]), 'protocol 1'],
  ])('%s metadata', async (_, content, what) => {
    const dir = await copyIteration();
    await writeFile(join(dir, '.metadata'), content);
    expect((await verify(dir)).problems).toMatchObject([
      { id: 'metadata-damaged', what: expect.stringContaining(what) },
    ]);
  });

  test('cut metadata', async () => {
    const dir = await copyIteration();
    await truncate(join(dir, '.metadata'), 4000);
    expect(problemIds(await verify(dir))).toEqual(['metadata-damaged']);
  });

  test('a folder in place of the metadata', async () => {
    const dir = await copyIteration();
    await rm(join(dir, '.metadata'));
    await mkdir(join(dir, '.metadata'));
    expect(problemIds(await verify(dir))).toEqual(['metadata-damaged']);
  });

  test('metadata that is a link to itself', async () => {
    const dir = await copyIteration();
    await rm(join(dir, '.metadata'));
    await symlink('.metadata', join(dir, '.metadata'));
    expect(problemIds(await verify(dir))).toEqual(['metadata-missing']);
  });

  test('a file in place of the folder that the tracker names', async () => {
    const dir = await copyFixture('dcp');
    await rm(join(dir, ITERATION), { recursive: true });
    await writeFile(join(dir, ITERATION), '');
    expect(problemIds(await verify(dir))).toEqual(['metadata-missing']);
  });

  test('missing shard', async () => {
    const dir = await copyIteration();
    await rm(join(dir, '__1_0.distcp'));
    const report = await verify(dir);
    expect(report.worldSize).toBe(2);
    expect(report.problems).toMatchObject([{ id: 'shard-missing', where: join(dir, '__1_0.distcp') }]);
  });

  test('a shard shorter by one byte, and an empty one', async () => {
    const dir = await copyIteration();
    await truncate(join(dir, '__0_0.distcp'), 22085);
    await truncate(join(dir, '__1_0.distcp'), 0);
    expect((await verify(dir)).problems).toMatchObject([
      { id: 'shard-truncated', what: '22085 of 22086 bytes are there' },
      { id: 'shard-truncated', what: '0 of 29463 bytes are there' },
    ]);
  });

  test('a shard that is a folder', async () => {
    const dir = await copyIteration();
    await rm(join(dir, '__1_0.distcp'));
    await mkdir(join(dir, '__1_0.distcp'));
    expect(problemIds(await verify(dir))).toEqual(['shard-unreadable']);
  });

  test('shards of two saves with other sizes', async () => {
    const dir = await copyIteration();
    await copyFile(join(READERS, 'dcp/iter_0000002/__1_0.distcp'), join(dir, '__1_0.distcp'));
    expect(problemIds(await verify(dir))).toEqual(['shard-truncated']);
  });

  test('a shard of an earlier save by more ranks', async () => {
    const dir = await copyIteration();
    await copyFile(join(dir, '__1_0.distcp'), join(dir, '__2_0.distcp'));
    expect(await verify(dir)).toMatchObject({ worldSize: 3, problems: [{ id: 'generation-mixed' }] });
  });

  test('a folder of one iteration with the files of another', async () => {
    const dir = await copyIteration();
    const renamed = join(dir, '..', 'iter_0000006');
    await rename(dir, renamed);
    const report = await verify(renamed);
    expect(report.problems).toMatchObject([
      { id: 'generation-mixed', where: join(renamed, '.metadata') },
      { id: 'generation-mixed', what: 'it holds iteration 4, not 6' },
    ]);
  });

  test('a shard of equal size whose optimizer made more steps', async () => {
    const dir = await copyIteration();
    await editFirstStep(join(dir, '__1_0.distcp'), 4, 6);
    for (const isDeep of [false, true]) {
      expect((await verify(dir, isDeep)).problems).toMatchObject([
        { id: 'generation-mixed', what: expect.stringContaining('step') },
      ]);
    }
  });
});

describe('weights alone', () => {
  test('do not tell which save they are of, unless they were sealed', async () => {
    const dir = join(await copyFixture('dcp'), 'iter_0000002');
    const report = await verify(dir, true);
    expect(report).toMatchObject({ complete: true, hasOptimizer: false });
    expect(report.warnings).toMatchObject([
      {
        id: 'generation-untold',
        what: expect.stringMatching(/^1 of 2 shards/),
        fix: expect.stringContaining('sealed'),
      },
    ]);
    const seal = await sealCheckpoint(dir, ['__0_0.distcp', '__1_0.distcp']);
    expect((await verifyCheckpoint(dir, { layout: megatronLayout, seal })).warnings).toEqual([]);
  });
});

const NOTHING = { isSealed: false, isRead: false, records: 0, unsummed: 0 };

describe('shallow and deep', () => {
  test.each([
    ['the first bytes of an item', 0],
    ['the end record of an item', 1453 - 22],
    ['the directory of an item', 952],
  ])('finds damage to %s', async (_, offset) => {
    const dir = await copyIteration();
    await overwrite(join(dir, '__0_0.distcp'), offset, Buffer.from([0xff, 0xff, 0xff, 0xff]));
    for (const isDeep of [false, true]) {
      const { problems } = await verify(dir, isDeep);
      expect(problems).toMatchObject([{ id: 'item-damaged', what: expect.stringContaining('args at byte 0') }]);
    }
  });
});

describe('deep', () => {
  test('finds values that were overwritten in place, which torch would load', async () => {
    const dir = await copyIteration();
    const shard = join(dir, '__0_0.distcp');
    const content = await readFile(shard);
    const values = content.indexOf('/data/0', 0, 'latin1') + 128; // behind the header, which is padded
    await overwrite(shard, values, Buffer.from([content.readUInt8(values) ^ 1]));
    expect(problemIds(await verify(dir))).toEqual([]);
    expect((await verify(dir, true)).problems).toMatchObject([
      { id: 'item-damaged', where: shard, what: expect.stringContaining('has other content than was saved') },
    ]);
  });

  test('counts what it compared, and does not take a record without a checksum for a proven one', async () => {
    const dir = await copyIteration();
    const shard = join(dir, '__0_0.distcp');
    const { content: before = NOTHING } = await verify(dir, true);
    expect(before).toMatchObject({ isRead: true, isSealed: false, unsummed: 0 });
    const entry = (await readFile(shard)).indexOf('PK\x01\x02', 0, 'latin1');
    await overwrite(shard, entry + 16, Buffer.alloc(4));
    const report = await verify(dir, true);
    expect(report.complete).toBe(true);
    expect(report.content).toEqual({ ...before, records: before.records - 1, unsummed: 1 });
  });
});

async function copyIteration(): Promise<string> {
  return join(await copyFixture('dcp'), ITERATION);
}

async function overwrite(path: string, offset: number, bytes: Buffer): Promise<void> {
  const content = await readFile(path);
  bytes.copy(content, offset);
  await writeFile(path, content);
  await utimes(path, 1e9, 1e9);
}

/** Changes the first stored float32 of the given value, which stands on a 64-byte boundary of its archive. */
async function editFirstStep(path: string, from: number, to: number): Promise<void> {
  const wanted = Buffer.alloc(4);
  wanted.writeFloatLE(from);
  const at = (await readFile(path)).indexOf(wanted, 18168);
  const changed = Buffer.alloc(4);
  changed.writeFloatLE(to);
  await overwrite(path, at, changed);
}
