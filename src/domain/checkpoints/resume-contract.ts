import type { ResumeComponent, ResumeNote, ResumeReport, ResumeState } from '../../schemas/checkpoint.js';
import type { StoredState } from '../../schemas/ledger.js';
import { judgeRates, type LearningRateSchedule, type LoggedRate } from './learning-rate.js';

/** What is known of one resume: what the checkpoint holds, what the launch asked for, what the training said. */
export interface ResumeFacts {
  readonly fidelity: 'full' | 'weights-only';
  /** Iteration of the checkpoint that the load view shows; null for converted weights: nothing is resumed then. */
  readonly from: number | null;
  readonly stored: StoredState;
  /** What the training was told to load beside weights and position. */
  readonly asked: { readonly optimizer: boolean; readonly rng: boolean };
  /**
   * Whether the training code is known to fill saved moments into its optimizer. A loader that builds its request from
   * an optimizer before its first step asks for none, without a word: then nobody knows.
   */
  readonly fillsMoments: boolean;
  /** Whether data, batch and number of ranks are those of the training that saved. */
  readonly isSameData: boolean;
  /** null where the recipe does not know it. */
  readonly schedule: LearningRateSchedule | null;
  readonly log: ResumeLog;
}

/** What the logs of the attempt said so far. */
export interface ResumeLog {
  /** Whether the end of the load was logged without keys that were missing; such keys stop a run before it trains. */
  readonly hasLoaded: boolean;
  readonly firstIteration: number | null;
  /** Samples that the first iteration line counts, and what one iteration takes. */
  readonly consumedSamples: number | null;
  readonly samplesPerIteration: number | null;
  readonly rates: readonly LoggedRate[];
}

/**
 * Says for each part of the training state whether a resume restored it, whether it began anew, or that nobody can
 * tell, each with the reason. With fidelity `full`, a part that began anew breaks the contract.
 */
export function judgeResume(facts: ResumeFacts): ResumeReport {
  const { fidelity, from } = facts;
  const components = from === null ? [] : COMPONENTS.map((name) => ({ name, ...JUDGES[name](facts, from) }));
  const broken = components
    .filter(({ name, state }) => state === 'reset' && isPromised(name, fidelity))
    .map(({ name }) => name);
  return { v: 1, fidelity, from, components, broken };
}

const COMPONENTS: readonly ResumeComponent[] = ['weights', 'moments', 'learningRate', 'rng', 'dataOrder', 'iteration'];

/** Weights and position are promised by both fidelities. */
function isPromised(component: ResumeComponent, fidelity: ResumeFacts['fidelity']): boolean {
  return fidelity === 'full' || component === 'weights' || component === 'dataOrder' || component === 'iteration';
}

interface Judgement {
  readonly state: ResumeState;
  readonly reason: string;
}

const JUDGES: Readonly<Record<ResumeComponent, (facts: ResumeFacts, from: number) => Judgement>> = {
  weights({ stored, log }) {
    if (!stored.weights) return { state: 'reset', reason: 'the checkpoint holds none' };
    if (!log.hasLoaded) return NOT_LOADED;
    return { state: 'restored', reason: 'the load ended with no key missing' };
  },
  moments({ stored, asked, fillsMoments, log }) {
    if (!stored.moments) return { state: 'reset', reason: 'the checkpoint holds none' };
    if (!asked.optimizer) return { state: 'reset', reason: 'the launch does not load the optimizer' };
    if (!fillsMoments) {
      return {
        state: 'unverified',
        reason: 'they are saved and asked for, but this training code may leave them at zero',
      };
    }
    if (!log.hasLoaded) return NOT_LOADED;
    return { state: 'restored', reason: 'saved, asked for, and filled by this training code' };
  },
  learningRate(facts, from) {
    const why = notLoaded(facts);
    const { schedule, log } = facts;
    if (schedule === null) return why === null ? UNKNOWN_SCHEDULE : { state: 'reset', reason: why };
    const verdict = judgeRates(schedule, from, log.rates);
    switch (verdict.kind) {
      case 'continued':
        return { state: 'restored', reason: 'the logged rates go on where the schedule was' };
      case 'restarted':
        return { state: 'reset', reason: why ?? 'the logged rates begin again, although the schedule was asked for' };
      case 'same-either-way':
        return why === null
          ? {
              state: 'restored',
              reason: 'the logged rates fit; here the schedule has the same ones from its beginning',
            }
          : { state: 'reset', reason: why };
      case 'neither':
        return {
          state: 'reset',
          reason: `iteration ${verdict.iteration} was logged with the rate ${verdict.logged}, the schedule has ${verdict.expected} there`,
        };
      case 'unknown':
        return why === null
          ? { state: 'unverified', reason: 'no iteration has been logged yet' }
          : { state: 'reset', reason: why };
    }
  },
  rng({ stored, asked, log }) {
    if (!stored.rng) return { state: 'reset', reason: 'the checkpoint holds none' };
    if (!asked.rng) return { state: 'reset', reason: 'the launch does not load it' };
    if (!log.hasLoaded) return NOT_LOADED;
    return { state: 'restored', reason: 'saved and asked for' };
  },
  dataOrder({ stored, isSameData, log }, from) {
    if (!stored.progress) return { state: 'reset', reason: 'the checkpoint does not say how many samples were taken' };
    if (!isSameData)
      return { state: 'unverified', reason: 'data, batch or number of ranks may differ from what it was saved with' };
    const { consumedSamples, samplesPerIteration, firstIteration } = log;
    if (consumedSamples === null || samplesPerIteration === null || firstIteration === null) {
      return { state: 'unverified', reason: 'no iteration has been logged yet' };
    }
    const expected = firstIteration * samplesPerIteration;
    if (firstIteration > from && consumedSamples === expected)
      return { state: 'restored', reason: `${consumedSamples} samples were taken, as many as before` };
    return {
      state: 'reset',
      reason: `${consumedSamples} samples are counted after iteration ${firstIteration}, not ${expected}`,
    };
  },
  iteration({ stored, log }, from) {
    if (!stored.progress) return { state: 'reset', reason: 'the checkpoint does not hold it' };
    if (log.firstIteration === null) return { state: 'unverified', reason: 'no iteration has been logged yet' };
    if (log.firstIteration === from + 1)
      return { state: 'restored', reason: `the first step was iteration ${log.firstIteration}` };
    if (log.firstIteration <= from)
      return { state: 'reset', reason: `the first step was iteration ${log.firstIteration} again` };
    // Lines of the first steps may be missing, where only each tenth is logged.
    return {
      state: 'unverified',
      reason: `the first logged step was iteration ${log.firstIteration}, not ${from + 1}`,
    };
  },
};

const NOT_LOADED: Judgement = { state: 'unverified', reason: 'the log has not said yet that the load ended' };
const UNKNOWN_SCHEDULE: Judgement = { state: 'unverified', reason: 'the recipe does not know the schedule' };

/** Why the schedule cannot go on, or null when it was saved and asked for. */
function notLoaded({ stored, asked }: ResumeFacts): string | null {
  if (!stored.schedule) return 'the checkpoint does not hold the schedule';
  return asked.optimizer ? null : 'the launch does not load the schedule';
}

/** A report in a few words; null when nothing was resumed. */
export function noteOf(attempt: number, { fidelity, from, components, broken }: ResumeReport): ResumeNote | null {
  if (from === null) return null;
  const states = components.map(({ name, state }) => [name, state] as const);
  return { attempt, from, fidelity, components: Object.fromEntries(states), broken };
}
