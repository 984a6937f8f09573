/** A learning-rate schedule as Megatron's: linear warm-up from zero, then decay; lengths count samples, not iterations. */
export interface LearningRateSchedule {
  readonly peak: number;
  readonly min: number;
  /** Samples over which the rate rises; 0 for none. */
  readonly warmupSamples: number;
  /** Samples at which the rate has come down to `min`. */
  readonly decaySamples: number;
  readonly style: 'constant' | 'linear' | 'cosine';
  /** Samples that one iteration takes over all ranks. */
  readonly samplesPerIteration: number;
}

/** Rate of the step that follows after `iterations` steps of the schedule. */
export function rateAfter(schedule: LearningRateSchedule, iterations: number): number {
  const { peak, min, warmupSamples, decaySamples, style } = schedule;
  const samples = iterations * schedule.samplesPerIteration;
  if (samples < warmupSamples) return (peak * samples) / warmupSamples;
  if (style === 'constant') return peak;
  if (samples >= decaySamples) return min;
  const done = (samples - warmupSamples) / (decaySamples - warmupSamples);
  const share = style === 'linear' ? 1 - done : 0.5 * (Math.cos(Math.PI * done) + 1);
  return min + share * (peak - min);
}

/** Iterations until the rate is at its peak. */
export function warmupIterations({ warmupSamples, samplesPerIteration }: LearningRateSchedule): number {
  return Math.ceil(warmupSamples / samplesPerIteration);
}

/** A rate that a log line gave for an iteration. */
export interface LoggedRate {
  readonly iteration: number;
  readonly rate: number;
}

/** How the logged rates after a resume fit: the schedule went on, began again, neither, or nothing was logged yet. */
export type RateVerdict =
  | { readonly kind: 'continued' | 'restarted' | 'same-either-way' | 'unknown' }
  | { readonly kind: 'neither'; readonly iteration: number; readonly logged: number; readonly expected: number };

/** Enough lines to tell the two apart, whatever the schedule does there; a log line shows 7 digits. */
const LINES = 5;
const TOLERANCE = 1e-5;

/**
 * Compares the rates of the first steps after a resume with the schedule. `from` is the iteration of the checkpoint:
 * iteration `from + 1` is the first step, and shows the rate that it used.
 */
export function judgeRates(schedule: LearningRateSchedule, from: number, logged: readonly LoggedRate[]): RateVerdict {
  const first = logged
    .filter(({ iteration }) => iteration > from)
    .toSorted((a, b) => a.iteration - b.iteration)
    .slice(0, LINES);
  if (first.length === 0) return { kind: 'unknown' };
  const odd = first.find(({ iteration, rate }) => !isNear(rate, rateAfter(schedule, iteration - 1), schedule));
  const hasRestarted = first.every(({ iteration, rate }) =>
    isNear(rate, rateAfter(schedule, iteration - 1 - from), schedule),
  );
  if (odd === undefined) return { kind: hasRestarted ? 'same-either-way' : 'continued' };
  if (hasRestarted) return { kind: 'restarted' };
  return {
    kind: 'neither',
    iteration: odd.iteration,
    logged: odd.rate,
    expected: rateAfter(schedule, odd.iteration - 1),
  };
}

function isNear(a: number, b: number, { peak }: LearningRateSchedule): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(b), peak * TOLERANCE);
}
