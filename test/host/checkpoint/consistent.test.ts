import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readDcpMetadata } from '../../../src/host/checkpoint/dcp-read.js';
import { checkShards } from '../../../src/host/checkpoint/shards.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { copyFixture, problemIds, verify } from './fixtures.js';

describe('a checkpoint that contradicts itself nowhere is refused all the same', () => {
  test('metadata that lists nothing', async () => {
    const dir = await copyIteration();
    const fields = ['state_dict_metadata', 'storage_data'].map(
      (name) => `X${String.fromCodePoint(name.length)}\0\0\0${name}}`,
    );
    const empty = `\x80\x02ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81}(${fields.join('')}ub.`;
    await writeFile(join(dir, '.metadata'), Buffer.from(empty, 'latin1'));
    for (const name of ['__0_0.distcp', '__1_0.distcp']) await rm(join(dir, name));
    expect(await verify(dir)).toMatchObject({
      complete: false,
      tensors: 0,
      problems: [{ id: 'nothing-stored', what: 'it lists no tensors' }],
    });
  });

  test('metadata whose tensors are not those of a model', async () => {
    const dir = await copyIteration();
    const bytes = await readFile(join(dir, '.metadata'), 'latin1');
    // Same length, so all frames still fit.
    await writeFile(join(dir, '.metadata'), Buffer.from(bytes.replaceAll('model', 'other'), 'latin1'));
    await utimes(join(dir, '.metadata'), 1e9, 1e9);
    expect((await verify(dir)).problems).toMatchObject([
      { id: 'nothing-stored', what: 'none of its 16 tensors is of the model' },
    ]);
  });

  test.each([
    ['shard-name-unknown', '.metadata'],
    ['shard-name-unknown', 'weights.bin'],
    ['shard-name-unsafe', '../__1_0.distcp'],
    ['shard-name-unsafe', '/__1_0.distcp'],
    ['shard-name-unsafe', '..'],
    ['shard-name-unsafe', ''],
  ])('%s: metadata that names the shard %j', async (id, name) => {
    const dir = await copyIteration();
    await writeFile(join(dir, 'weights.bin'), 'x');
    const metadata = await readDcpMetadata(join(dir, '.metadata'));
    const storage = new Map([...metadata.storage, [name, { maxEnd: 1, items: [] }] as const]);
    const { problems, ranks } = await checkShards(dir, { ...metadata, storage }, megatronLayout);
    expect(problems).toMatchObject([{ id, what: `the metadata names the file "${name}"` }]);
    expect(ranks).toEqual([0, 1]);
  });

  test('a shard under the name of another file', async () => {
    const dir = await copyIteration();
    const bytes = await readFile(join(dir, '.metadata'), 'latin1');
    // Same length, so all frames still fit.
    await writeFile(join(dir, '.metadata'), Buffer.from(bytes.replaceAll('__1_0.distcp', 'other.distcp'), 'latin1'));
    await rename(join(dir, '__1_0.distcp'), join(dir, 'other.distcp'));
    expect(problemIds(await verify(dir))).toEqual(['shard-name-unknown']);
  });
});

async function copyIteration(): Promise<string> {
  return join(await copyFixture('dcp'), 'iter_0000004');
}
