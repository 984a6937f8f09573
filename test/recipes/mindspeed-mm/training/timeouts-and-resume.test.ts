import { describe, expect, it } from 'vitest';
import type { TrainingFacts } from '../../../../src/recipes/mindspeed-mm/training/facts.js';
import { resume } from '../../../../src/recipes/mindspeed-mm/training/resume.js';
import { distributedTimeoutMinutes } from '../../../../src/recipes/mindspeed-mm/training/timeouts.js';
import { guideFacts, guideSpec } from './support.js';

const CHECKPOINT = { every: 500, keep: 3, fidelity: 'full' };

describe('how long ranks wait for each other', () => {
  const minutes = (over: Readonly<Record<string, unknown>>, facts: Partial<TrainingFacts> = {}): number =>
    distributedTimeoutMinutes(guideFacts(guideSpec({ train: over }), facts));
  const small = { data: { files: [], mediaDir: '/', rows: 1_000 } };

  it('covers tokenizing the rows twice over, at the measured speed where there is one', () => {
    const weightsOnly = { checkpoint: { ...CHECKPOINT, fidelity: 'weights-only' } };
    const measured = { saveMs: 60_000, preprocessRowsPerSecond: 40 };
    // 157712 rows at 40 a second are 66 minutes.
    expect(minutes(weightsOnly, { measured })).toBe(132);
    expect(minutes({ ...weightsOnly, dataLoader: { preprocessOnFly: true } }, { measured })).toBe(10);
    expect(minutes({ ...weightsOnly, dataLoader: { streaming: true } }, { measured })).toBe(10);
  });

  it('covers a save twice over, at the measured time where there is one', () => {
    expect(minutes({}, { ...small, measured: { saveMs: 20 * 60_000, preprocessRowsPerSecond: null } })).toBe(40);
    // 1285 GB, nothing measured.
    expect(minutes({}, small)).toBe(90);
  });

  it('is never below the default of torch, unless the spec says so', () => {
    expect(minutes({}, { ...small, measured: { saveMs: 1, preprocessRowsPerSecond: null } })).toBe(10);
    expect(minutes({ distributedTimeout: '5m' })).toBe(5);
    expect(minutes({ distributedTimeout: '90s' })).toBe(2);
  });
});

describe('the learning rate of a resume', () => {
  it('rises over a tenth of the run, then falls to zero at its end', () => {
    expect(resume.schedule(guideSpec())).toEqual({
      peak: 1e-5,
      min: 0,
      warmupSamples: 128_000,
      decaySamples: 1_280_000,
      style: 'cosine',
      samplesPerIteration: 128,
    });
  });

  it('comes back with a full checkpoint only; moments are not asked for by this loader', () => {
    expect(resume.loads(guideSpec())).toEqual({ optimizer: true, rng: true });
    expect(resume.loads(guideSpec({ train: { checkpoint: { ...CHECKPOINT, fidelity: 'weights-only' } } }))).toEqual({
      optimizer: false,
      rng: false,
    });
    expect(resume.fillsMoments).toBe(false);
  });
});
