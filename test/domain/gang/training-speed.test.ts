import { expect, it } from 'vitest';
import { trainingSpeed, type TimedIteration } from '../../../src/domain/gang/training-speed.js';

const step = (iteration: number, over: Partial<TimedIteration> = {}): TimedIteration => ({
  ...{ iteration, of: 100, elapsedMs: 2_000, globalBatchSize: 128, tokensPerSample: 500 },
  ...over,
});

it('is tokens of all samples by the time of an iteration, and that time for each one that is left', () => {
  expect(trainingSpeed([step(10)])).toEqual({ tokensPerSecond: 32_000, remainingMs: 180_000 });
});

it('does not count the slow first iteration, and looks at the newest ones only', () => {
  const slow = step(1, { elapsedMs: 600_000 });
  expect(trainingSpeed([slow, step(2), step(3)])).toMatchObject({ tokensPerSecond: 32_000, remainingMs: 194_000 });
  const old = Array.from({ length: 30 }, (_, index) => step(index + 1, { elapsedMs: 9_000 }));
  const recent = Array.from({ length: 20 }, (_, index) => step(index + 31));
  expect(trainingSpeed([...old, ...recent])).toMatchObject({ tokensPerSecond: 32_000, remainingMs: 100_000 });
});

it('is not told where the log does not tell it', () => {
  expect(trainingSpeed([])).toEqual({});
  expect(trainingSpeed([step(1, { elapsedMs: null })])).toEqual({});
  expect(trainingSpeed([step(1, { elapsedMs: 0 })])).toEqual({});
  expect(trainingSpeed([step(1, { tokensPerSample: null })])).toEqual({ remainingMs: 198_000 });
  expect(trainingSpeed([{ iteration: 1, of: 2, elapsedMs: 500 }])).toEqual({ remainingMs: 500 });
});

it('of a training that is done has nothing left', () => {
  expect(trainingSpeed([step(100)]).remainingMs).toBe(0);
});
