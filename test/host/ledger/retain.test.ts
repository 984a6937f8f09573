import fc from 'fast-check';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { giveUpSurplus, noteInUse } from '../../../src/domain/checkpoints/ledger.js';
import { chooseCheckpoint } from '../../../src/host/ledger/choose.js';
import { proveSaved, type Training } from '../../../src/host/ledger/prove.js';
import { retain, setAside } from '../../../src/host/ledger/retain.js';
import { changeLedger, readLedger } from '../../../src/host/ledger/store.js';
import { takeCheckpoint } from '../../../src/host/ledger/take.js';
import { attemptDir, attemptsOf, saveDir } from '../../../src/host/run/attempts.js';
import { runDir } from '../../../src/host/run/run-folder.js';
import { aTraining, CONTRACT, receive, save } from './support.js';

describe('retention', () => {
  test('keeps the newest over all attempts and removes the rest from disk', async () => {
    const training = await aTraining();
    const [first = '', second = ''] = await proven(training, 1, [2, 4]);
    const [third = ''] = await proven(training, 2, [4]);
    expect(await retain(training, 1)).toEqual([first, second]);
    expect([first, second, third].map((dir) => existsSync(dir))).toEqual([false, false, true]);
    expect(await readdir(attemptDir(training.workspace, 'tiny', 1))).toEqual(['attempt.json', 'ckpt']);
    expect(
      (await ledgerOf(training)).checkpoints.map(({ seal, removedAt }) => [seal === null, removedAt !== null]),
    ).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ]);
    expect(await choose(training)).toMatchObject({ proven: { attempt: 2, iteration: 4 }, refused: [] });
    expect(await retain(training, 1)).toEqual([]);
  });

  test('never removes what the newest attempt starts from', async () => {
    const training = await aTraining();
    const [used = ''] = await proven(training, 1, [2]);
    await take(training, 2);
    await proven(training, 2, [4]);
    expect(await retain(training, 1)).toEqual([]);
    expect(existsSync(used)).toBe(true);
  });

  test('never removes what a receipt names', async () => {
    const training = await aTraining();
    const [named = ''] = await proven(training, 1, [2]);
    await proven(training, 2, [4]);
    await receive(training, 'runs/tiny/attempts/0001/ckpt/iter_0000002');
    expect(await retain(training, 1)).toEqual([]);
    expect(existsSync(named)).toBe(true);
  });

  test('never removes what an attempt of another run starts from', async () => {
    const training = await aTraining();
    const [used = ''] = await proven(training, 1, [2]);
    await proven(training, 2, [4]);
    await changeLedger(runDir(training.workspace, 'other'), (ledger) => noteInUse(ledger, 1, used));
    expect(await retain(training, 1)).toEqual([]);
    await changeLedger(runDir(training.workspace, 'other'), (ledger) => noteInUse(ledger, 2, '/elsewhere'));
    expect(await retain(training, 1)).toEqual([used]);
  });

  test('does not touch another training of the run', async () => {
    const training = await aTraining();
    await proven({ ...training, key: 'other' }, 1, [2]);
    await proven(training, 2, [4]);
    expect(await retain(training, 1)).toEqual([]);
  });

  test('removes nothing while it cannot know who needs it', async () => {
    const training = await aTraining();
    const dirs = await proven(training, 1, [2, 4]);
    const entry = join(training.workspace, 'store/train/x');
    await mkdir(entry, { recursive: true });
    await writeFile(join(entry, 'receipt.json'), '{"v": 2}');
    await expect(retain(training, 1)).rejects.toMatchObject({ problem: { code: 'FormatTooNew' } });
    expect(dirs.every((dir) => existsSync(dir))).toBe(true);
  });

  test('goes on after a kill between any two of its steps', async () => {
    const training = await aTraining();
    const [old = ''] = await proven(training, 1, [2, 4]);
    const given = (await ledgerOf(training)).checkpoints.map(({ dir }) => dir);
    // Killed after the ledger gave it up: the folder is whole, and not a candidate any more.
    await changeLedger(root(training), (ledger) =>
      giveUpSurplus(ledger, {
        key: 'k',
        keep: 1,
        needed: new Set(),
        spoiled: new Set(),
        at: '2026-11-23T12:00:00.000Z',
      }),
    );
    expect(given).toHaveLength(2);
    await rm(join(saveDir(training.workspace, 'tiny', 1), 'iter_0000004'), { recursive: true });
    expect(await choose(training)).toMatchObject({ proven: null });
    // Killed after the rename, with half of the files gone.
    const removing = join(attemptDir(training.workspace, 'tiny', 1), 'removing');
    await mkdir(removing);
    await rename(old, join(removing, 'iter_0000002'));
    await rm(join(removing, 'iter_0000002/.metadata'));
    await retain(training, 1);
    expect(await readdir(attemptDir(training.workspace, 'tiny', 1))).toEqual(['attempt.json', 'ckpt']);
  });

  test('never meets what is being taken into use at the same time (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('take', 'save', 'retain'), { minLength: 3, maxLength: 8 }),
        async (steps) => {
          const training = await aTraining();
          await proven(training, 1, [2]);
          let newest = 1;
          // All at once: their looks at the files and changes of the ledger interleave.
          const taken = await Promise.all(
            steps.map(async (step) => {
              if (step === 'retain') await retain(training, 1);
              if (step === 'save') await proven(training, (newest += 1), [4]);
              return step === 'take' ? take(training, (newest += 1)) : null;
            }),
          );
          const { inUse } = await ledgerOf(training);
          if (inUse !== null) expect(existsSync(join(root(training), inUse.dir))).toBe(true);
          const last = taken.filter((one) => one !== null).find(({ attempt }) => attempt === inUse?.attempt);
          if (inUse !== null) expect(last?.start.dir).toBe(join(root(training), inUse.dir));
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});

describe('taking a checkpoint into use', () => {
  test('begins at the first one when no attempt left any', async () => {
    const training = await aTraining();
    expect(await take(training, 1)).toMatchObject({ start: FIRST, refused: [] });
    expect((await ledgerOf(training)).inUse).toEqual({ attempt: 1, dir: FIRST.dir });
  });

  test('moves interrupted saves of dead attempts aside, with the reason and the new place', async () => {
    const training = await aTraining();
    const [, torn = ''] = await save(training, 1, [2, 4]);
    await rm(join(torn, '.metadata'));
    const place = join(attemptDir(training.workspace, 'tiny', 1), 'incomplete/iter_0000004');
    const { start, refused } = await take(training, 2);
    expect(start.iteration).toBe(2);
    expect(refused).toEqual([`${torn}: metadata-missing in iter_0000004: it has no .metadata; moved to ${place}`]);
    expect([existsSync(torn), existsSync(place)]).toEqual([false, true]);
    expect(await take(training, 3)).toMatchObject({ refused: [] });
  });

  test('does not lose a second interrupted save of the same name', async () => {
    const training = await aTraining();
    for (const _ of [1, 2]) {
      const [torn = ''] = await save(training, 1, [4]);
      await rm(join(torn, '.metadata'));
      await take(training, 2);
    }
    const aside = join(attemptDir(training.workspace, 'tiny', 1), 'incomplete');
    expect(await readdir(aside)).toEqual(['iter_0000004', 'iter_0000004.2']);
  });

  test('leaves the folders of a live attempt alone', async () => {
    const training = await aTraining();
    const [torn = ''] = await save(training, 2, [4]);
    await rm(join(torn, '.metadata'));
    expect(await setAside([{ attempt: 2, iteration: 4, dir: torn }], 2)).toEqual(new Map());
    expect(existsSync(torn)).toBe(true);
  });

  test('chooses again when the chosen one was given up meanwhile', async () => {
    const training = await aTraining();
    await proven(training, 1, [2]);
    await save(training, 2, []);
    // While this attempt looks for the newest one, a late supervisor proves a newer one and removes what it looked at.
    let looks = 0;
    const contract = {
      ...CONTRACT,
      layout: {
        ...CONTRACT.layout,
        parseFolder(name: string) {
          looks += 1;
          if (looks === 1) late = proven(training, 2, [4]).then(() => retain(training, 1));
          return CONTRACT.layout.parseFolder(name);
        },
      },
    };
    let late: Promise<unknown> = Promise.resolve();
    const earlier = await attemptsOf(training.workspace, 'tiny', 'k');
    const { start } = await takeCheckpoint(
      training,
      { attempt: 3, earlier, first: () => Promise.resolve(FIRST) },
      contract,
    );
    await late;
    expect(existsSync(start.dir)).toBe(true);
    expect((await ledgerOf(training)).inUse).toEqual({ attempt: 3, dir: relative(root(training), start.dir) });
  });
});

const FIRST = { dir: '/converted/release', iteration: null };

/** Lets an attempt save and prove checkpoints; answers their folders. */
async function proven(training: Training, attempt: number, iterations: readonly (2 | 4)[]): Promise<string[]> {
  const dirs = await save(training, attempt, iterations);
  const { refused } = await proveSaved(training, { attempt, upTo: Math.max(...iterations) }, CONTRACT);
  expect(refused).toEqual([]);
  return dirs;
}

async function take(training: Training, attempt: number) {
  const earlier = (await attemptsOf(training.workspace, training.run, training.key)).filter(
    (one) => one.attempt < attempt,
  );
  const taken = await takeCheckpoint(training, { attempt, earlier, first: () => Promise.resolve(FIRST) }, CONTRACT);
  return { ...taken, attempt };
}

async function choose(training: Training) {
  return chooseCheckpoint(training, await attemptsOf(training.workspace, training.run, training.key), CONTRACT);
}

function ledgerOf(training: Training) {
  return readLedger(root(training));
}

function root({ workspace, run }: Training): string {
  return runDir(workspace, run);
}
