import { describe, expect, it } from 'vitest';
import {
  rateAfter,
  type LearningRateSchedule,
  type LoggedRate,
} from '../../../src/domain/checkpoints/learning-rate.js';
import { rateAlarm, type RateFacts } from '../../../src/domain/gang/rate-alarm.js';

const SCHEDULE: LearningRateSchedule = {
  peak: 1e-3,
  min: 0,
  warmupSamples: 40,
  decaySamples: 800,
  style: 'cosine',
  samplesPerIteration: 4,
};
const FROM = 100;

/** Rates of some iterations after the checkpoint, from a schedule that is `behind` iterations behind. */
function logged(count: number, behind = 0, factor = 1): LoggedRate[] {
  return Array.from({ length: count }, (_, index) => {
    const iteration = FROM + 1 + index;
    return { iteration, rate: factor * rateAfter(SCHEDULE, iteration - 1 - behind) };
  });
}

function judge(over: Partial<RateFacts>) {
  return (
    rateAlarm({ fidelity: 'full', schedule: SCHEDULE, from: FROM, logged: [], earlier: [], ...over })?.kind ?? null
  );
}

describe('the alarm about learning rates after a resume', () => {
  it.each([
    ['nothing logged', {}, null],
    ['the schedule goes on', { logged: logged(5) }, null],
    ['it began again', { logged: logged(3, FROM) }, 'wrong'],
    ['it began again, one line', { logged: logged(1, FROM) }, null],
    ['it began again with weights only', { fidelity: 'weights-only', logged: logged(1, FROM) }, 'announced'],
    ['twice as high', { logged: logged(2, 0, 2) }, 'wrong'],
    ['twice as high, one line', { logged: logged(1, 0, 2) }, null],
    ['twice as high with weights only', { fidelity: 'weights-only', logged: logged(5, 0, 2) }, 'wrong'],
    ['behind by skipped iterations, as before', { logged: logged(5, 3), earlier: logged(2, 3) }, null],
    ['behind without a reason', { logged: logged(5, 3), earlier: logged(2) }, 'wrong'],
    ['lines of before the checkpoint do not count', { logged: [{ iteration: FROM, rate: 7 }, ...logged(5)] }, null],
  ] satisfies [string, Partial<RateFacts>, string | null][])('%s', (_name, facts, kind) => {
    expect(judge(facts)).toBe(kind);
  });

  it('names both rates', () => {
    const facts = { fidelity: 'full' as const, schedule: SCHEDULE, from: FROM, logged: logged(2, 0, 2), earlier: [] };
    expect(rateAlarm(facts)?.text).toBe(
      'iteration 101 was trained with the learning rate 0.001083 after the checkpoint of iteration 100; the schedule has 0.0005413 there',
    );
  });
});
