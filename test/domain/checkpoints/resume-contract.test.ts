import { describe, expect, test } from 'vitest';
import { rateAfter, type LearningRateSchedule } from '../../../src/domain/checkpoints/learning-rate.js';
import { judgeResume, type ResumeFacts } from '../../../src/domain/checkpoints/resume-contract.js';
import { ResumeReportSchema, type ResumeComponent, type ResumeState } from '../../../src/schemas/checkpoint.js';

const SCHEDULE: LearningRateSchedule = {
  peak: 1e-3,
  min: 0,
  warmupSamples: 40,
  decaySamples: 400,
  style: 'cosine',
  samplesPerIteration: 4,
};
const FULL = { weights: true, moments: true, schedule: true, rng: true, progress: true };
const WEIGHTS = { weights: true, moments: false, schedule: false, rng: false, progress: true };

/** The lines of the first steps after iteration 50; `steps` is where the schedule was. */
function log(steps: number): ResumeFacts['log'] {
  return {
    hasLoaded: true,
    firstIteration: 51,
    consumedSamples: 204,
    samplesPerIteration: 4,
    rates: [0, 1, 2].map((index) => ({ iteration: 51 + index, rate: rateAfter(SCHEDULE, steps + index) })),
  };
}

const SILENT: ResumeFacts['log'] = {
  hasLoaded: false,
  firstIteration: null,
  consumedSamples: null,
  samplesPerIteration: 4,
  rates: [],
};

function facts(change: Partial<ResumeFacts> = {}): ResumeFacts {
  return {
    fidelity: 'full',
    from: 50,
    stored: FULL,
    asked: { optimizer: true, rng: true },
    fillsMoments: true,
    isSameData: true,
    schedule: SCHEDULE,
    log: log(50),
    ...change,
  };
}

function states(change: Partial<ResumeFacts>): Record<string, ResumeState> {
  return Object.fromEntries(judgeResume(facts(change)).components.map(({ name, state }) => [name, state]));
}

const ALL: Record<ResumeComponent, ResumeState> = {
  weights: 'restored',
  moments: 'restored',
  learningRate: 'restored',
  rng: 'restored',
  dataOrder: 'restored',
  iteration: 'restored',
};

describe('what a resume restored', () => {
  test.each<[string, Partial<ResumeFacts>, Partial<typeof ALL>, readonly ResumeComponent[]]>([
    ['full, and everything fits', {}, {}, []],
    [
      'weights only, as promised',
      { fidelity: 'weights-only', stored: WEIGHTS, asked: { optimizer: false, rng: false }, log: log(0) },
      { moments: 'reset', learningRate: 'reset', rng: 'reset' },
      [],
    ],
    [
      'full is promised, but the checkpoint holds no optimizer: a loader says nothing',
      { stored: WEIGHTS, log: log(0) },
      { moments: 'reset', learningRate: 'reset', rng: 'reset' },
      ['moments', 'learningRate', 'rng'],
    ],
    [
      'full is promised, but the launch does not ask',
      { asked: { optimizer: false, rng: false }, log: log(0) },
      { moments: 'reset', learningRate: 'reset', rng: 'reset' },
      ['moments', 'learningRate', 'rng'],
    ],
    ['saved and asked for, but the rates begin again', { log: log(0) }, { learningRate: 'reset' }, ['learningRate']],
    [
      'saved and asked for, but the rates are those of nothing',
      { log: log(77) },
      { learningRate: 'reset' },
      ['learningRate'],
    ],
    ['a loader that may leave the moments at zero', { fillsMoments: false }, { moments: 'unverified' }, []],
    [
      'nothing logged yet',
      { log: SILENT },
      {
        weights: 'unverified',
        moments: 'unverified',
        learningRate: 'unverified',
        rng: 'unverified',
        dataOrder: 'unverified',
        iteration: 'unverified',
      },
      [],
    ],
    ['a checkpoint that a person named', { isSameData: false }, { dataOrder: 'unverified' }, []],
    ['a recipe that does not know its schedule', { schedule: null }, { learningRate: 'unverified' }, []],
    [
      'a counter that began again',
      { log: { ...log(50), firstIteration: 1, consumedSamples: 4 } },
      { dataOrder: 'reset', iteration: 'reset' },
      ['dataOrder', 'iteration'],
    ],
    ['other data taken', { log: { ...log(50), consumedSamples: 4 } }, { dataOrder: 'reset' }, ['dataOrder']],
    [
      'a checkpoint without position',
      { stored: { ...FULL, progress: false } },
      { dataOrder: 'reset', iteration: 'reset' },
      ['dataOrder', 'iteration'],
    ],
    ['a checkpoint without weights', { stored: { ...FULL, weights: false } }, { weights: 'reset' }, ['weights']],
    [
      'every tenth line only',
      {
        log: {
          ...log(50),
          firstIteration: 60,
          consumedSamples: 240,
          rates: [{ iteration: 60, rate: rateAfter(SCHEDULE, 59) }],
        },
      },
      { iteration: 'unverified' },
      [],
    ],
  ])('%s', (_, change, expected, broken) => {
    expect(states(change)).toEqual({ ...ALL, ...expected });
    const report = judgeResume(facts(change));
    expect(report.broken).toEqual(broken);
    expect(ResumeReportSchema.parse(report)).toEqual(report);
    for (const { reason } of report.components) expect(reason).toMatch(/^[a-z0-9].{5,}/);
  });

  test('converted weights resume nothing', () => {
    expect(judgeResume(facts({ from: null }))).toEqual({
      v: 1,
      fidelity: 'full',
      from: null,
      components: [],
      broken: [],
    });
  });
});
