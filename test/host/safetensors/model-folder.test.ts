import { copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readModelFolder, type ModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { copyFixture, READERS } from '../checkpoint/fixtures.js';
import { makeFolder, writeModel, type WrittenTensor } from './writer.js';

const FIRST = 'model-00001-of-00002.safetensors';
const SECOND = 'model-00002-of-00002.safetensors';
const INDEX = 'model.safetensors.index.json';

test('a sharded folder: every tensor with shape, dtype and shard', async () => {
  const folder = await readModelFolder(join(READERS, 'hf'));
  expect(folder).toMatchObject({ shards: [FIRST, SECOND], totalBytes: 320, problems: [] });
  expect(folder.tensors.size).toBe(13);
  const bias = folder.tensors.get('model.language_model.layers.1.mlp.gate.e_score_correction_bias');
  expect(bias).toMatchObject({ dtype: 'F32', shape: [2] });
});

test('a single file, without an index and with one', async () => {
  const dir = await makeFolder();
  await writeModel(dir, { 'model.safetensors': { w: { dtype: 'F32', shape: [2] } } }, {});
  expect(await readModelFolder(dir)).toMatchObject({ shards: ['model.safetensors'], totalBytes: 8, problems: [] });
  await rm(join(dir, INDEX));
  expect(await readModelFolder(dir)).toMatchObject({ shards: ['model.safetensors'], totalBytes: 8, problems: [] });
});

describe('refuses', () => {
  test('a stray file, which converters would merge', async () => {
    const dir = await copyFixture('hf');
    await copyFile(join(dir, FIRST), join(dir, 'old.safetensors'));
    expect((await readModelFolder(dir)).problems).toMatchObject([
      { id: 'file-stray', where: join(dir, 'old.safetensors') },
    ]);
  });

  test('a shard that is missing, and one that is cut', async () => {
    const dir = await copyFixture('hf');
    await truncate(join(dir, SECOND), 800);
    expect(ids(await readModelFolder(dir))).toEqual(['size-wrong']);
    await rm(join(dir, SECOND));
    expect(ids(await readModelFolder(dir))).toEqual(['file-unreadable', 'tensor-missing', 'total-size-wrong']);
  });

  test('shards whose files were exchanged', async () => {
    const dir = await copyFixture('hf');
    await rename(join(dir, FIRST), join(dir, 'kept'));
    await rename(join(dir, SECOND), join(dir, FIRST));
    await rename(join(dir, 'kept'), join(dir, SECOND));
    const { problems } = await readModelFolder(dir);
    expect(problems).toMatchObject([{ id: 'tensor-missing', what: expect.stringContaining('13 tensors') }]);
  });

  test.each<[string, (index: { metadata: unknown; weight_map: Record<string, string> }) => unknown, string]>([
    ['a tensor that is in no file', (index) => (index.weight_map['more'] = FIRST), 'tensor-missing'],
    ['a tensor that the index lacks', (index) => delete index.weight_map['lm_head.weight'], 'tensor-unindexed'],
    ['a wrong total', (index) => (index.metadata = { total_size: 1 }), 'total-size-wrong'],
    [
      'a shard outside of the folder',
      (index) => (index.weight_map['lm_head.weight'] = '../x.safetensors'),
      'index-damaged',
    ],
  ])('an index with %s', async (_, edit, id) => {
    const dir = await copyFixture('hf');
    const index = JSON.parse(await readFile(join(dir, INDEX), 'utf8'));
    edit(index);
    await writeFile(join(dir, INDEX), JSON.stringify(index));
    expect(ids(await readModelFolder(dir))).toContain(id);
  });

  test.each<[string, (index: string) => Promise<void>, string]>([
    ['is no index', (index) => writeFile(index, '{}'), 'index-damaged'],
    ['names no tensor', (index) => writeFile(index, JSON.stringify({ weight_map: {} })), 'index-damaged'],
    ['is missing', (index) => rm(index), 'weights-missing'],
  ])('files that nothing names, because the index %s: each is listed', async (_, spoil, id) => {
    const dir = await copyFixture('hf');
    await spoil(join(dir, INDEX));
    const { problems } = await readModelFolder(dir);
    expect(problems.map((problem) => [problem.id, problem.where])).toEqual([
      [id, id === 'weights-missing' ? dir : join(dir, INDEX)],
      ['file-stray', join(dir, FIRST)],
      ['file-stray', join(dir, SECOND)],
    ]);
  });

  test('a folder without weights', async () => {
    const dir = await copyFixture('hf');
    for (const name of [INDEX, FIRST, SECOND]) await rm(join(dir, name));
    expect(ids(await readModelFolder(dir))).toEqual(['weights-missing']);
    expect(ids(await readModelFolder(join(dir, 'nowhere')))).toEqual(['folder-missing']);
  });

  test('an index that names no tensor, beside shards, and a file that holds none', async () => {
    const dir = await copyFixture('hf');
    await writeFile(join(dir, INDEX), JSON.stringify({ metadata: { total_size: 0 }, weight_map: {} }));
    const [first] = (await readModelFolder(dir)).problems;
    expect(first).toMatchObject({ id: 'index-damaged', what: expect.stringContaining('names no tensor') });
    const empty = await makeFolder();
    await writeModel(empty, { 'model.safetensors': {} }, {});
    await rm(join(empty, INDEX));
    expect(ids(await readModelFolder(empty))).toEqual(['weights-missing']);
  });

  test('a tensor that two shards hold', async () => {
    const dir = await makeFolder();
    const w: WrittenTensor = { dtype: 'U8', shape: [1] };
    await writeModel(dir, { [FIRST]: { w, a: w }, [SECOND]: { w, b: w } }, {});
    expect(ids(await readModelFolder(dir))).toContain('tensor-twice');
  });
});

test('40,000 tensors in 47 shards take less than 2 s', async () => {
  const dir = await makeFolder();
  const tensors = (shard: number): Record<string, WrittenTensor> =>
    Object.fromEntries(
      Array.from({ length: 852 }, (_, index) => [
        `model.language_model.layers.${shard}.mlp.experts.${index}.weight`,
        { dtype: 'BF16', shape: [1] },
      ]),
    );
  await writeModel(
    dir,
    Object.fromEntries(Array.from({ length: 47 }, (_, shard) => [`model-${shard}.safetensors`, tensors(shard)])),
    {},
  );
  const startedMs = performance.now();
  const folder = await readModelFolder(dir);
  const elapsedMs = performance.now() - startedMs;
  expect(folder.problems).toEqual([]);
  expect(folder.tensors.size).toBe(47 * 852);
  expect(elapsedMs).toBeLessThan(2000);
});

function ids(folder: ModelFolder): readonly string[] {
  return folder.problems.map(({ id }) => id);
}
