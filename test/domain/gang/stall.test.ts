import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  StallWatch,
  type Sees,
  type Stall,
  type StallLimits,
  type StallSample,
} from '../../../src/domain/gang/stall.js';

const LIMITS = {
  ...{ stallStartMs: 1_000, stallStepMs: 100, stallSaveMs: 500, stallLoadMs: 300 },
  saves: { every: 1_000, last: 100_000 },
};
const ALL: Sees = { milestones: true, iterations: true };

/** Lets a watch see one sample each 10 ms; answers the first stall with its time. */
function watch(
  sees: Sees,
  sampleAt: (ms: number) => Partial<StallSample>,
  untilMs = 3_000,
  limits: StallLimits = LIMITS,
): (Stall & { readonly atMs: number }) | null {
  const stalls = new StallWatch(limits, sees);
  for (let ms = 0; ms <= untilMs; ms += 10) {
    const stall = stalls.look({
      nowMs: ms,
      phase: 'training',
      iteration: null,
      stepMs: null,
      logBytes: 0,
      savedAtMs: null,
      cpuMs: null,
      ...sampleAt(ms),
    });
    if (stall !== null) return { ...stall, atMs: ms };
  }
  return null;
}

/** One iteration each `everyMs` until `endMs`. */
function steps(everyMs: number, endMs: number): (ms: number) => Partial<StallSample> {
  return (ms) => {
    const iteration = Math.floor(Math.min(ms, endMs) / everyMs);
    return { iteration, stepMs: everyMs, logBytes: iteration * 100 };
  };
}

describe('a stall', () => {
  it('is told after the shortest patience when steps are quick', () => {
    expect(watch(ALL, steps(5, 200))).toMatchObject({ atMs: 300, budgetMs: 100, phase: 'training' });
  });

  it('is told after ten times the median when steps are slow', () => {
    expect(watch(ALL, steps(50, 1_000))).toMatchObject({ atMs: 1_500, budgetMs: 500 });
  });

  it('needs that no rank says anything', () => {
    expect(watch(ALL, (ms) => ({ ...steps(5, 200)(ms), logBytes: ms }))).toBeNull();
  });

  it('waits as for a save while ranks compute', () => {
    expect(watch(ALL, (ms) => ({ ...steps(5, 200)(ms), cpuMs: ms }))).toMatchObject({ atMs: 700, budgetMs: 500 });
    expect(watch(ALL, (ms) => ({ ...steps(5, 200)(ms), cpuMs: ms / 100 }))).toMatchObject({ atMs: 300 });
  });

  it('gives a save its own time', () => {
    expect(watch(ALL, (ms) => ({ ...steps(5, 200)(ms), phase: ms > 200 ? 'saving' : 'training' }))).toMatchObject({
      atMs: 710,
      budgetMs: 500,
      phase: 'saving',
    });
  });

  it('is none while the files of a save grow, and only then', () => {
    const writing = (untilMs: number) => (ms: number) => ({
      ...steps(5, 200)(ms),
      phase: ms > 200 ? 'saving' : 'training',
      savedAtMs: Math.min(ms, untilMs),
    });
    expect(watch(ALL, writing(3_000))).toBeNull();
    expect(watch(ALL, writing(1_000))).toMatchObject({ atMs: 1_500, budgetMs: 500, phase: 'saving' });
    // A seal that is written later says nothing about the ranks.
    expect(watch(ALL, (ms) => ({ ...steps(5, 200)(ms), savedAtMs: ms }))).toMatchObject({ atMs: 300 });
    const due = { ...LIMITS, saves: { every: 40, last: 50 } };
    const silentSave = (ms: number) => ({ ...steps(5, 200)(ms), savedAtMs: Math.min(ms, 1_000) });
    expect(watch({ milestones: false, iterations: true }, silentSave, 3_000, due)).toMatchObject({ atMs: 1_500 });
  });

  it('gives the start its own time, on hosts that would see it end', () => {
    expect(watch(ALL, () => ({ phase: 'preparing' }))).toMatchObject({ atMs: 1_000, phase: 'preparing' });
    expect(watch({ milestones: false, iterations: true }, () => ({ phase: 'starting' }))).toMatchObject({
      atMs: 1_000,
    });
    expect(watch({ milestones: true, iterations: false }, () => ({ phase: 'starting' }))).toMatchObject({
      atMs: 1_000,
    });
  });

  it('gives a load its own time while ranks wait for their files, and that of the start while they compute', () => {
    expect(watch(ALL, () => ({ phase: 'loading' }))).toMatchObject({ atMs: 300, budgetMs: 300, phase: 'loading' });
    expect(watch(ALL, (ms) => ({ phase: 'loading', cpuMs: ms }))).toMatchObject({ atMs: 1_000, budgetMs: 1_000 });
    const long = { ...LIMITS, stallLoadMs: 2_000 };
    expect(watch({ milestones: false, iterations: true }, () => ({ phase: 'starting' }), 3_000, long)).toMatchObject({
      atMs: 2_000,
    });
  });

  it('gives a save its own time where only the iteration tells that one is due', () => {
    const seesSteps: Sees = { milestones: false, iterations: true };
    const limits = { ...LIMITS, saves: { every: 40, last: 50 } };
    expect(watch(seesSteps, steps(5, 200), 3_000, limits)).toMatchObject({ atMs: 700, budgetMs: 500 });
    expect(watch(seesSteps, steps(5, 205), 3_000, limits)).toMatchObject({ atMs: 310, budgetMs: 100 });
    expect(watch(seesSteps, steps(5, 250), 3_000, limits)).toMatchObject({ atMs: 750, budgetMs: 500 });
    // The host of rank 0 sees whether a save began.
    expect(watch(ALL, steps(5, 200), 3_000, limits)).toMatchObject({ atMs: 300, budgetMs: 100 });
  });

  it('is not judged by hosts that cannot see steps', () => {
    expect(watch({ milestones: true, iterations: false }, () => ({ phase: 'training' }))).toBeNull();
    expect(watch({ milestones: false, iterations: false }, () => ({ phase: 'starting' }))).toBeNull();
  });

  it('is not told of a training that is done', () => {
    expect(watch(ALL, (ms) => ({ ...steps(5, 200)(ms), phase: ms > 200 ? 'done' : 'training' }))).toBeNull();
  });

  it('is never told while iterations come within the patience (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 5, maxLength: 60 }), (gaps) => {
        const stalls = new StallWatch(LIMITS, ALL);
        let nowMs = 0;
        gaps.forEach((gap, iteration) => {
          nowMs += gap;
          expect(
            stalls.look({
              nowMs,
              phase: 'training',
              iteration,
              stepMs: gap,
              logBytes: iteration,
              savedAtMs: null,
              cpuMs: null,
            }),
          ).toBeNull();
        });
      }),
    );
  });
});
