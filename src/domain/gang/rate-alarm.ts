import { judgeRates, rateAfter, type LearningRateSchedule, type LoggedRate } from '../checkpoints/learning-rate.js';

/** What the learning rates after a resume call for. */
export type RateAlarm =
  /** Not what the checkpoint promises: what is trained from here on is another training. */
  | { readonly kind: 'wrong'; readonly text: string }
  /** The schedule began again, which weights-only checkpoints announce. */
  | { readonly kind: 'announced'; readonly text: string };

/** What the learning rates of a resume are judged by. */
export interface RateFacts {
  readonly fidelity: 'full' | 'weights-only';
  readonly schedule: LearningRateSchedule;
  /** Iteration of the checkpoint. */
  readonly from: number;
  readonly logged: readonly LoggedRate[];
  /** What earlier attempts logged: iterations whose update was skipped put the whole schedule behind. */
  readonly earlier: readonly LoggedRate[];
}

/** One line may be torn or belong to a skipped iteration; two do not err in the same way. */
const LINES_FOR_ALARM = 2;

/** Judges the rates of the first steps after a resume; null while all is well, or too little was logged. */
export function rateAlarm({ fidelity, schedule, from, logged, earlier }: RateFacts): RateAlarm | null {
  const rates = logged.filter(({ iteration }) => iteration > from);
  const verdict = judgeRates(schedule, from, rates);
  const peak = show(schedule.peak);
  switch (verdict.kind) {
    case 'unknown':
    case 'continued':
      return null;
    case 'same-either-way':
      return null;
    case 'restarted':
      if (fidelity === 'weights-only')
        return {
          kind: 'announced',
          text: `the learning rate began again at ${show(rates[0]?.rate ?? 0)} (peak ${peak}): weights-only checkpoints hold no schedule`,
        };
      return rates.length < LINES_FOR_ALARM
        ? null
        : {
            kind: 'wrong',
            text: `the learning rate began again at ${show(rates[0]?.rate ?? 0)} after the checkpoint of iteration ${from}; the schedule has ${show(rateAfter(schedule, from))} there`,
          };
    case 'neither': {
      const isAsBefore = rates.some(({ iteration, rate }) =>
        earlier.some((one) => one.iteration === iteration && isNear(one.rate, rate)),
      );
      if (rates.length < LINES_FOR_ALARM || isAsBefore) return null;
      return {
        kind: 'wrong',
        text: `iteration ${verdict.iteration} was trained with the learning rate ${show(verdict.logged)} after the checkpoint of iteration ${from}; the schedule has ${show(verdict.expected)} there`,
      };
    }
  }
}

/** A log line shows 7 digits. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));
}

function show(rate: number): string {
  return String(Number(rate.toPrecision(4)));
}
