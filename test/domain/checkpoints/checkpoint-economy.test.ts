import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkpointEconomy,
  economyWarnings,
  youngIntervalMs,
  type EconomyFacts,
} from '../../../src/domain/checkpoints/checkpoint-economy.js';
import { CheckpointEconomySchema } from '../../../src/schemas/checkpoint.js';

const DAY_MS = 86_400_000;

/** GLM-4.5V on eight hosts with one file server of 2 GB/s: the text decoder (about 105 of 106 billion) learns. */
const GLM: EconomyFacts = {
  parameters: { total: 106e9, trained: 105e9 },
  fidelity: 'full',
  every: 500,
  iterations: 10_000,
  keep: 3,
  hosts: 8,
  bandwidth: { writeBytesPerSecond: 2e9, readBytesPerSecond: 4e9, isReadCached: false },
  iterationMs: 15_000,
};

describe('the cost of checkpoints', () => {
  test('of a large model, by hand', () => {
    const economy = checkpointEconomy(GLM);
    expect(economy.bytesPerSave).toBe(106e9 * 4 + 105e9 * 8);
    expect(economy.saveMs).toBe(632_000);
    expect(economy.loadMs).toBe(316_000);
    expect(economy.saves).toBe(20);
    // 20 saves of 632 s beside 10,000 iterations of 15 s.
    expect(economy.shareOfRun).toBeCloseTo(12_640 / (12_640 + 150_000), 6);
    expect(economy.peakBytes).toBe(5 * 1264e9);
    expect(economy.youngIterations).toBe(Math.round(economy.youngMs / 15_000));
    expect(economy.saveBudgetMs).toBeGreaterThan(economy.saveMs * 2);
    expect(CheckpointEconomySchema.parse(economy)).toEqual(economy);
  });

  test('of weights only is a third', () => {
    expect(checkpointEconomy({ ...GLM, fidelity: 'weights-only' }).bytesPerSave).toBe(424e9);
  });

  test("Young's interval is the one that handbooks give", () => {
    expect(youngIntervalMs(300_000, 2.9 * DAY_MS) / 3_600_000).toBeCloseTo(3.4, 1);
    expect(youngIntervalMs(300_000, 16.5 * DAY_MS) / 3_600_000).toBeCloseTo(8.1, 1);
  });

  test('before any iteration was measured says how long one must take', () => {
    const { shareOfRun, youngIterations, cheapIterationMs } = checkpointEconomy({ ...GLM, iterationMs: null });
    expect([shareOfRun, youngIterations]).toEqual([null, null]);
    expect(checkpointEconomy({ ...GLM, iterationMs: cheapIterationMs }).shareOfRun).toBeCloseTo(0.1, 9);
  });

  test('never holds more than there are saves, and a share stays a share (property)', () => {
    const facts = fc.record({
      every: fc.integer({ min: 1, max: 5000 }),
      iterations: fc.integer({ min: 1, max: 20_000 }),
      keep: fc.integer({ min: 1, max: 20 }),
      iterationMs: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(facts, (change) => {
        const economy = checkpointEconomy({ ...GLM, ...change });
        expect(economy.saves).toBeGreaterThanOrEqual(1);
        expect(economy.peakBytes).toBeLessThanOrEqual(economy.saves * economy.bytesPerSave);
        expect(economy.shareOfRun).toBeGreaterThan(0);
        expect(economy.shareOfRun).toBeLessThan(1);
      }),
    );
  });
});

describe('the warning', () => {
  test('above a tenth of the run names an interval that is cheap enough', () => {
    const facts = { ...GLM, every: 50 };
    const [warning, ...more] = economyWarnings(checkpointEconomy(facts), { ...facts, accept: [] });
    expect(more).toEqual([]);
    expect(warning).toMatchObject({
      where: 'train.checkpoint.every',
      what: 'saving every 50 iterations takes 46 % of the run',
    });
    const every = Number(/save every (\d+) iterations/.exec(warning?.fix ?? '')?.[1]);
    expect(checkpointEconomy({ ...GLM, every, iterations: every * 20 }).shareOfRun).toBeLessThanOrEqual(0.1);
  });

  test('names only what helps, and can be accepted', () => {
    const fixOf = (change: Partial<EconomyFacts>, accept: readonly string[] = []): (string | undefined)[] => {
      const facts = { ...GLM, every: 50, ...change };
      return economyWarnings(checkpointEconomy(facts), { ...facts, accept }).map(({ fix }) => fix);
    };
    // A save takes as long as 380 iterations cheaply: in a run of 100 there is no such interval.
    expect(fixOf({ iterations: 100 })).toEqual(['use fidelity weights-only, or add train/save-share to accept']);
    expect(fixOf({ iterations: 100, fidelity: 'weights-only' })).toEqual(['add train/save-share to accept']);
    // Half of the run, where the interval of Young is longer than that.
    expect(fixOf({ iterations: 1_000 })[0]).toContain('save every 500 iterations, or use');
    expect(fixOf({ iterations: 100 }, ['train/save-share'])).toEqual([]);
  });

  test.each([
    ['below', { ...GLM, every: 1000 }],
    ['without a measured iteration', { ...GLM, every: 1, iterationMs: null }],
  ])('is not told %s', (_, facts) => {
    expect(economyWarnings(checkpointEconomy(facts), { ...facts, accept: [] })).toEqual([]);
  });
});
