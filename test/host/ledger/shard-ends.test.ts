import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { savedFolders } from '../../../src/host/ledger/prove.js';
import { readShardEnds } from '../../../src/host/ledger/shard-ends.js';
import { aTraining, CONTRACT, save } from './support.js';

test('the ends of shards are told by rank; other files of a checkpoint are none', async () => {
  const training = await aTraining();
  await save(training, 1, [2]);
  const [folder] = await savedFolders(training, 1, CONTRACT);
  const dir = folder?.dir ?? '';
  await utimes(join(dir, '__1_0.distcp'), 1_700_000_040, 1_700_000_040);
  const ends = await readShardEnds(dir, CONTRACT.layout);
  expect(ends.map(({ rank }) => rank).toSorted((a, b) => a - b)).toEqual([0, 1]);
  expect(ends.every(({ bytes }) => bytes > 0)).toBe(true);
  expect(ends.find(({ rank }) => rank === 1)?.endedAtMs).toBe(1_700_000_040_000);
});
