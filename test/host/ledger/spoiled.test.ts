import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keepCheckpoints } from '../../../src/activities/training/keep-checkpoints.js';
import { chooseCheckpoint } from '../../../src/host/ledger/choose.js';
import { attemptDir, attemptsOf, saveDir } from '../../../src/host/run/attempts.js';
import { writeMetrics } from '../../../src/host/run/metrics.js';
import { listCheckpoints } from '../../../src/host/ledger/list.js';
import { proveSaved, type Training } from '../../../src/host/ledger/prove.js';
import { readLedger } from '../../../src/host/ledger/store.js';
import { runDir } from '../../../src/host/run/run-folder.js';
import { aTraining, CONTRACT, save } from './support.js';

async function log({ workspace, run }: Training, losses: Readonly<Record<number, number | null>>): Promise<void> {
  const iterations = Object.entries(losses).map(([iteration, loss]) => ({
    iteration: Number(iteration),
    of: 4,
    loss,
    learningRate: null,
    gradNorm: null,
    elapsedMs: null,
    consumedSamples: null,
  }));
  await writeMetrics(join(attemptDir(workspace, run, 1), 'h1'), iterations);
}

async function chosen(training: Training): Promise<{ iteration: number | null; refused: readonly string[] }> {
  const attempts = await attemptsOf(training.workspace, training.run, training.key);
  const { proven, refused } = await chooseCheckpoint(training, attempts, CONTRACT);
  return { iteration: proven?.iteration ?? null, refused };
}

describe('a checkpoint of an attempt whose loss became no number', () => {
  test.each([
    ['after all saves', { 1: 2, 2: 2, 3: 1, 4: 1, 5: null }, 2],
    ['before the last save', { 1: 2, 2: 2, 3: 1, 4: null }, 2],
    ['in the first iteration', { 1: null, 2: null }, null],
    ['never', { 1: 2, 2: 2, 3: 1, 4: 1 }, 4],
  ])('is used only when it is older: %s', async (_when, losses, iteration) => {
    const training = await aTraining();
    await save(training, 1, [2, 4]);
    await log(training, losses);
    const choice = await chosen(training);
    expect(choice.iteration).toBe(iteration);
    expect(choice.refused.filter((reason) => reason.includes('no number'))).toHaveLength(
      iteration === 4 ? 0 : iteration === 2 ? 1 : 2,
    );
  });
});

describe('a training that keeps one checkpoint', () => {
  const keepOne = (training: Training, before: number) =>
    keepCheckpoints(training, before, {
      recipe: { checkpoint: CONTRACT },
      spec: { train: { checkpoint: { keep: 1 } } },
    });
  const onDisk = async ({ workspace, run }: Training) => (await readdir(saveDir(workspace, run, 1))).toSorted();

  test('keeps the one before the newest while it trains, so that a loss that is no number does not cost all', async () => {
    const training = await aTraining();
    await save(training, 1, [2, 4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    await keepOne(training, 1);
    await log(training, { 1: 2, 2: 2, 3: 1, 4: 1, 5: null });
    await keepOne(training, 2);
    expect(await onDisk(training)).toEqual(['iter_0000002', 'iter_0000004']);
    expect((await chosen(training)).iteration).toBe(2);
    const ledger = await readLedger(runDir(training.workspace, training.run));
    expect(await listCheckpoints(training, [{ attempt: 1 }], ledger, CONTRACT)).toMatchObject([
      { iteration: 4, state: 'refused', why: 'its attempt lost its loss: it was no number after iteration 4' },
      { iteration: 2, state: 'proven', why: null },
    ]);
  });

  test('keeps one when it has ended well', async () => {
    const training = await aTraining();
    await save(training, 1, [2, 4]);
    await log(training, { 1: 2, 2: 2, 3: 1, 4: 1 });
    await keepOne(training, 2);
    expect(await onDisk(training)).toEqual(['iter_0000004']);
  });
});
