import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseCheckpoint } from '../../../src/host/ledger/choose.js';
import { attemptDir, attemptsOf } from '../../../src/host/run/attempts.js';
import { writeMetrics } from '../../../src/host/run/metrics.js';
import type { Training } from '../../../src/host/ledger/prove.js';
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
