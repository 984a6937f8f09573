import { appendFile, copyFile, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseCheckpoint } from '../../../src/host/ledger/choose.js';
import { assertAsProven, verifyWithLedger } from '../../../src/host/ledger/find-seal.js';
import { proveRest, proveSaved, type Training } from '../../../src/host/ledger/prove.js';
import { readLedger } from '../../../src/host/ledger/store.js';
import { attemptsOf, makeLoadView } from '../../../src/host/run/attempts.js';
import { runDir } from '../../../src/host/run/run-folder.js';
import { aTraining, CONTRACT, save, saveAs } from './support.js';

const SHARD = '__1_0.distcp';

describe('proving while the training runs', () => {
  test('seals everything up to the save that was logged, and nothing newer', async () => {
    const training = await aTraining();
    await save(training, 1, [2, 4]);
    expect(await proveSaved(training, { attempt: 1, upTo: 2 }, CONTRACT)).toEqual({ newest: 2, refused: [] });
    expect((await entries(training)).map(({ iteration }) => iteration)).toEqual([2]);
    expect(await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT)).toEqual({ newest: 4, refused: [] });
    expect(await entries(training)).toMatchObject([
      {
        attempt: 1,
        iteration: 2,
        stored: { weights: true, moments: false, schedule: false, rng: false, progress: true },
      },
      {
        attempt: 1,
        iteration: 4,
        dir: 'attempts/0001/ckpt/iter_0000004',
        worldSize: 2,
        bytes: 51549,
        stored: { weights: true, moments: true, schedule: true, rng: true, progress: true },
        seal: {
          metadataSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          shards: [
            { file: '__0_0.distcp', bytes: 22086 },
            { file: SHARD, bytes: 29463 },
          ],
        },
      },
    ]);
  });

  test('reads nothing again, even when the files would be refused now', async () => {
    const training = await aTraining();
    const [dir = ''] = await save(training, 1, [4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    const { revision } = await readLedger(root(training));
    await rm(join(dir, '.metadata'));
    expect(await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT)).toEqual({ newest: 4, refused: [] });
    expect((await readLedger(root(training))).revision).toBe(revision);
  });

  test('says why a logged save is refused and proves the others', async () => {
    const training = await aTraining();
    const [, torn = ''] = await save(training, 1, [2, 4]);
    await truncate(join(torn, SHARD), 100);
    const { newest, refused } = await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    expect(newest).toBe(2);
    expect(refused).toEqual([`${torn}: shard-truncated in __1_0.distcp: 100 of 29463 bytes are there`]);
  });

  test('goes on with what a supervisor that died left, whole saves and torn ones', async () => {
    const training = await aTraining();
    const [, torn = ''] = await save(training, 1, [2, 4]);
    await save(training, 2, [4]);
    await rm(join(torn, '.metadata'));
    await proveRest(training, await attemptsOf(training.workspace, training.run, training.key), CONTRACT);
    expect((await entries(training)).map(({ attempt, iteration }) => [attempt, iteration])).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });

  test('twice at once notes one proof', async () => {
    const training = await aTraining();
    await save(training, 1, [2, 4]);
    const both = [1, 2].map(() => proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT));
    expect(await Promise.all(both)).toEqual([1, 2].map(() => ({ newest: 4, refused: [] })));
    expect(await entries(training)).toHaveLength(2);
  });
});

describe('the newest proven checkpoint over all attempts', () => {
  test('is the highest iteration, and of equal ones that of the newest attempt', async () => {
    const training = await aTraining();
    await save(training, 1, [2, 4]);
    await save(training, 2, [4]);
    await save(training, 3, [2]);
    expect(await choose(training)).toMatchObject({ proven: { attempt: 2, iteration: 4 }, refused: [], torn: [] });
  });

  test('of another training does not count', async () => {
    const training = await aTraining();
    await save({ ...training, key: 'other' }, 1, [4]);
    await save(training, 2, [2]);
    expect(await choose(training)).toMatchObject({ proven: { attempt: 2, iteration: 2 } });
    expect(await choose({ ...training, key: 'third' })).toEqual({ proven: null, refused: [], torn: [] });
  });

  test('is proven when it is chosen, when nobody had the time before', async () => {
    const training = await aTraining();
    await save(training, 1, [4]);
    await choose(training);
    expect(await entries(training)).toMatchObject([{ iteration: 4, refused: null }]);
  });

  test('is not a folder of another name, such as one that a person moved aside', async () => {
    const training = await aTraining();
    await save(training, 1, [2]);
    await saveAs(training, 1, 4, 'iter_0000004.bad');
    expect(await choose(training)).toMatchObject({ proven: { iteration: 2 }, refused: [] });
  });

  test('does not need the tracker', async () => {
    const training = await aTraining();
    const [dir = ''] = await save(training, 1, [4]);
    await writeFile(join(dir, '..', CONTRACT.layout.trackerFile), '');
    expect(await choose(training)).toMatchObject({ proven: { iteration: 4 }, refused: [] });
  });
});

/** What can happen to a checkpoint; `sealed` is the finding when it was proven before, `fresh` when it was not. */
const DAMAGES: readonly (readonly [
  string,
  (dir: string, other: string) => Promise<unknown>,
  { readonly sealed: string | null; readonly fresh: string | null },
])[] = [
  ['torn: no metadata', (dir) => rm(join(dir, '.metadata')), { sealed: 'metadata-missing', fresh: 'metadata-missing' }],
  [
    'empty metadata',
    (dir) => truncate(join(dir, '.metadata')),
    { sealed: 'metadata-damaged', fresh: 'metadata-damaged' },
  ],
  [
    'garbage metadata',
    (dir) => writeFile(join(dir, '.metadata'), 'no pickle'),
    { sealed: 'metadata-damaged', fresh: 'metadata-damaged' },
  ],
  ['missing shard', (dir) => rm(join(dir, SHARD)), { sealed: 'shard-missing', fresh: 'shard-missing' }],
  [
    'truncated shard',
    (dir) => truncate(join(dir, SHARD), 29462),
    { sealed: 'shard-truncated', fresh: 'shard-truncated' },
  ],
  [
    'another iteration under this name',
    (dir, other) => swapAll(dir, other),
    { sealed: 'generation-mixed', fresh: 'generation-mixed' },
  ],
  [
    'a foreign shard beside it',
    (dir) => copyFile(join(dir, SHARD), join(dir, '__2_0.distcp')),
    { sealed: 'generation-mixed', fresh: 'generation-mixed' },
  ],
  // Equal in size and in everything that the file says about itself: only the seal tells.
  ['one bit of one tensor', (dir) => flipBit(join(dir, SHARD), 29463 - 2000), { sealed: 'shard-changed', fresh: null }],
  ['a shard of another attempt', (dir) => swapShard(dir), { sealed: 'shard-changed', fresh: null }],
  // Odd, but no reason to refuse what nobody had proven.
  [
    'a shard with bytes behind its end',
    (dir) => appendFile(join(dir, SHARD), 'x'),
    { sealed: 'shard-changed', fresh: null },
  ],
  ['another time on a shard', (dir) => utimes(join(dir, SHARD), 2e9, 2e9), { sealed: null, fresh: null }],
];

describe('a damaged checkpoint', () => {
  test.each(DAMAGES)('%s: found after the proof, and an older one is chosen', async (_, damage, { sealed }) => {
    const training = await aTraining();
    const [older = '', newer = ''] = await save(training, 1, [2, 4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    await damage(newer, older);
    const { proven, refused, torn } = await choose(training);
    const report = await verifyWithLedger(newer, CONTRACT);
    if (sealed === null) {
      expect({ iteration: proven?.iteration, refused, complete: report.complete }).toEqual({
        iteration: 4,
        refused: [],
        complete: true,
      });
      return;
    }
    expect(proven?.iteration).toBe(2);
    expect(refused).toEqual([expect.stringContaining(`${newer}: ${sealed} in `)]);
    expect(report.problems[0]?.id).toBe(sealed);
    await expect(assertAsProven(newer, CONTRACT.layout)).rejects.toMatchObject({ problem: { code: 'ProofFailed' } });
    // It was whole once, so it is evidence and stays where it is.
    expect(torn).toEqual([]);
    expect(await entries(training)).toMatchObject([{ refused: null }, { refused: expect.stringContaining(sealed) }]);
  });

  test.each(DAMAGES)('%s: found without a proof as far as the files tell', async (_, damage, { fresh }) => {
    const training = await aTraining();
    const [older = '', newer = ''] = await save(training, 1, [2, 4]);
    await damage(newer, older);
    const { proven, torn } = await choose(training);
    expect(proven?.iteration).toBe(fresh === null ? 4 : 2);
    expect(torn.map(({ dir }) => dir)).toEqual(fresh === null ? [] : [newer]);
  });

  test('that is whole again is used again', async () => {
    const training = await aTraining();
    const [, dir = ''] = await save(training, 1, [2, 4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    await rename(join(dir, SHARD), join(dir, 'away'));
    expect(await choose(training)).toMatchObject({ proven: { iteration: 2 } });
    await rename(join(dir, 'away'), join(dir, SHARD));
    expect(await choose(training)).toMatchObject({ proven: { iteration: 4 }, refused: [] });
    expect(await entries(training)).toMatchObject([{ refused: null }, { refused: null }]);
  });

  test('folders swapped between two attempts are both found', async () => {
    const training = await aTraining();
    const [first = ''] = await save(training, 1, [4]);
    const [second = ''] = await save(training, 2, [4]);
    await flipBit(join(second, SHARD), 29463 - 2000);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    await proveSaved(training, { attempt: 2, upTo: 4 }, CONTRACT);
    await rename(first, `${first}.moved`);
    await rename(second, first);
    await rename(`${first}.moved`, second);
    const { proven, refused } = await choose(training);
    expect(proven).toBeNull();
    expect(refused).toEqual([
      expect.stringContaining(`${second}: shard-changed`),
      expect.stringContaining(`${first}: shard-changed`),
    ]);
  });

  test('that is gone is said to be gone', async () => {
    const training = await aTraining();
    const [, dir = ''] = await save(training, 1, [2, 4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    await rm(dir, { recursive: true });
    const { proven, refused } = await choose(training);
    expect(proven?.iteration).toBe(2);
    expect(refused).toEqual([`${dir}: folder-missing in iter_0000004: there is no such folder`]);
  });

  test('is found through the load view of an attempt too', async () => {
    const training = await aTraining();
    const [dir = ''] = await save(training, 1, [4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    const view = join(root(training), 'attempts/0002/load');
    await makeLoadView(view, { dir, iteration: 4 }, CONTRACT);
    expect((await verifyWithLedger(view, CONTRACT)).problems).toEqual([]);
    await flipBit(join(dir, SHARD), 29463 - 2000);
    expect((await verifyWithLedger(view, CONTRACT)).problems).toMatchObject([{ id: 'shard-changed' }]);
  });
});

function root({ workspace, run }: Training): string {
  return runDir(workspace, run);
}

async function entries(training: Training) {
  return (await readLedger(root(training))).checkpoints;
}

async function choose(training: Training) {
  return chooseCheckpoint(training, await attemptsOf(training.workspace, training.run, training.key), CONTRACT);
}

async function flipBit(path: string, at: number): Promise<void> {
  const content = await readFile(path);
  content.writeUInt8(content.readUInt8(at) ^ 1, at);
  await writeFile(path, content);
}

/** Puts a shard in place that differs from the own one in the values of a tensor only, as another attempt's would. */
async function swapShard(dir: string): Promise<void> {
  const workspace = join(dir, '../../../../../..');
  const other = await saveAs({ workspace, run: 'other' }, 1, 4, 'iter_0000004');
  await flipBit(join(other, SHARD), 29463 - 2000);
  await rename(join(other, SHARD), join(dir, SHARD));
}

async function swapAll(dir: string, other: string): Promise<void> {
  for (const name of ['.metadata', '__0_0.distcp', SHARD]) await copyFile(join(other, name), join(dir, name));
}
