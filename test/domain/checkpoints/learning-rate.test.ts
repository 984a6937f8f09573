import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  judgeRates,
  rateAfter,
  warmupIterations,
  type LearningRateSchedule,
} from '../../../src/domain/checkpoints/learning-rate.js';

const SCHEDULE: LearningRateSchedule = {
  peak: 1e-3,
  min: 0,
  warmupSamples: 40,
  decaySamples: 400,
  style: 'cosine',
  samplesPerIteration: 4,
};

const anySchedule = fc
  .record({
    peak: fc.double({ min: 1e-6, max: 1e-2, noNaN: true }),
    minShare: fc.double({ min: 0, max: 0.5, noNaN: true }),
    warmup: fc.integer({ min: 0, max: 50 }),
    iterations: fc.integer({ min: 51, max: 200 }),
    style: fc.constantFrom('constant' as const, 'linear' as const, 'cosine' as const),
    samplesPerIteration: fc.integer({ min: 1, max: 64 }),
  })
  .map(({ peak, minShare, warmup, iterations, style, samplesPerIteration }) => ({
    peak,
    min: peak * minShare,
    warmupSamples: warmup * samplesPerIteration,
    decaySamples: iterations * samplesPerIteration,
    style,
    samplesPerIteration,
  }));

describe('the rate of a step', () => {
  test.each([
    ['the first of a warm-up', SCHEDULE, 0, 0],
    ['inside of the warm-up', SCHEDULE, 5, 0.5e-3],
    ['the peak', SCHEDULE, 10, 1e-3],
    ['the middle of a cosine', SCHEDULE, 55, 0.5e-3],
    ['the end', SCHEDULE, 100, 0],
    ['behind the end', SCHEDULE, 1000, 0],
    ['without warm-up', { ...SCHEDULE, warmupSamples: 0 }, 0, 1e-3],
    ['linear', { ...SCHEDULE, style: 'linear' as const, min: 1e-4 }, 55, 0.55e-3],
    ['constant', { ...SCHEDULE, style: 'constant' as const }, 99, 1e-3],
  ])('%s', (_, schedule, iterations, expected) => {
    expect(rateAfter(schedule, iterations)).toBeCloseTo(expected, 12);
  });

  test('rises to the peak, then never rises, and stays between the ends (property)', () => {
    fc.assert(
      fc.property(anySchedule, (schedule) => {
        const warmup = warmupIterations(schedule);
        const rates = Array.from({ length: 210 }, (_, step) => rateAfter(schedule, step));
        expect(rates[warmup]).toBeCloseTo(schedule.peak, 12);
        for (const [step, rate] of rates.entries()) {
          const before = rates[step - 1] ?? 0;
          if (step <= warmup) expect(rate).toBeGreaterThanOrEqual(before);
          else expect(rate).toBeLessThanOrEqual(before * (1 + 1e-12));
          if (step > warmup) expect(rate).toBeGreaterThanOrEqual(schedule.min * (1 - 1e-12));
        }
      }),
    );
  });

  test('is what the training program computes, for every step and style', () => {
    const python = fileURLToPath(new URL('../../../src/recipes/cpu-tiny/python', import.meta.url));
    const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
from learning_rate import LearningRateSchedule
rates = []
for style in ("constant", "linear", "cosine"):
    schedule = LearningRateSchedule(1e-3, 1e-5, 42, 400, style)
    for _ in range(105):
        rates.append(schedule.current())
        schedule.advance(4)
print(json.dumps(rates))`;
    const printed: unknown = JSON.parse(execFileSync('python3', ['-B', '-c', program, python], { encoding: 'utf8' }));
    const computed = (['constant', 'linear', 'cosine'] as const).flatMap((style) =>
      Array.from({ length: 105 }, (_, step) => rateAfter({ ...SCHEDULE, min: 1e-5, warmupSamples: 42, style }, step)),
    );
    expect(printed).toHaveLength(315);
    expect(printed).toEqual(computed.map((rate) => expect.closeTo(rate, 15)));
  });
});

describe('the rates of the first steps after a resume', () => {
  test.each([
    ['went on', 50, (iteration: number) => rateAfter(SCHEDULE, iteration - 1), 'continued'],
    ['began again', 50, (iteration: number) => rateAfter(SCHEDULE, iteration - 51), 'restarted'],
    ['are those of nothing', 50, () => 7e-4, 'neither'],
  ])('%s', (_, from, rate, kind) => {
    const logged = [1, 2, 3, 4, 5, 6].map((step) => ({ iteration: from + step, rate: rate(from + step) }));
    expect(judgeRates(SCHEDULE, from, logged).kind).toBe(kind);
  });

  test('name the step that does not fit', () => {
    const logged = [51, 52, 53].map((iteration) => ({
      iteration,
      rate: iteration === 52 ? 9e-4 : rateAfter(SCHEDULE, iteration - 1),
    }));
    expect(judgeRates(SCHEDULE, 50, logged)).toEqual({
      kind: 'neither',
      iteration: 52,
      logged: 9e-4,
      expected: rateAfter(SCHEDULE, 51),
    });
  });

  test('cannot tell a constant schedule from one that began again, and say nothing without a line', () => {
    const constant: LearningRateSchedule = { ...SCHEDULE, warmupSamples: 0, style: 'constant' };
    expect(judgeRates(constant, 50, [{ iteration: 51, rate: 1e-3 }]).kind).toBe('same-either-way');
    expect(judgeRates(SCHEDULE, 50, []).kind).toBe('unknown');
    expect(judgeRates(SCHEDULE, 50, [{ iteration: 50, rate: 1 }]).kind).toBe('unknown');
  });

  test('are told apart as a log prints them, with seven digits (property)', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: 1, max: 150 }), fc.boolean(), (schedule, from, isRestart) => {
        const logged = Array.from({ length: 5 }, (_, index) => {
          const steps = isRestart ? index : from + index;
          return { iteration: from + index + 1, rate: Number(rateAfter(schedule, steps).toExponential(6)) };
        });
        const { kind } = judgeRates(schedule, from, logged);
        expect(isRestart ? ['restarted', 'same-either-way'] : ['continued', 'same-either-way']).toContain(kind);
      }),
    );
  });
});
