import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { proveSaved } from '../../../src/host/ledger/prove.js';
import { readLedger } from '../../../src/host/ledger/store.js';
import { runDir } from '../../../src/host/run/run-folder.js';
import { aTraining, CONTRACT, save } from './support.js';

test('a save whose shard a crash left as zeros of the right size is not proven', async () => {
  const training = await aTraining();
  const [, damaged = ''] = await save(training, 1, [2, 4]);
  const shard = join(damaged, '__1_0.distcp');
  await writeFile(shard, (await readFile(shard)).fill(0));
  expect(await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT)).toEqual({
    newest: 2,
    refused: [expect.stringContaining('item-damaged in __1_0.distcp')],
  });
  const { checkpoints } = await readLedger(runDir(training.workspace, training.run));
  expect(checkpoints.map(({ iteration }) => iteration)).toEqual([2]);
});
