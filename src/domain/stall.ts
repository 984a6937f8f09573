import type { Timing } from '../schemas/timing.js';

/** What a supervisor sees of its ranks at one moment. */
export interface StallSample {
  readonly nowMs: number;
  /** Phase of the training as its log tells it: starting, loading, preparing, training, saving, done. */
  readonly phase: string;
  readonly iteration: number | null;
  /** Time of that iteration as logged, ms. */
  readonly stepMs: number | null;
  /** Bytes in all rank logs of the host. */
  readonly logBytes: number;
  /** CPU time of the host's ranks so far, ms; null when it cannot be read. */
  readonly cpuMs: number | null;
}

/** Which lines this host's ranks print. A host with neither cannot judge, and does not. */
export interface Sees {
  readonly milestones: boolean;
  readonly iterations: boolean;
}

export interface Stall {
  readonly phase: string;
  readonly silentMs: number;
  readonly budgetMs: number;
}

/** Steps whose median is the running one. */
const WINDOW = 50;
/** A step is slow at many times the median: evaluation, a cold cache and a busy file system are all legitimate. */
const SLOW_FACTOR = 10;
/** Ranks that wait use some CPU time in their helper threads; ranks that work use whole cores. */
const IDLE_SHARE = 0.05;

/**
 * Decides whether a training stands still. Two signals are needed: nothing was reached (no iteration, no new phase),
 * and no rank has written anything; ranks that compute get the longest budget. One watch per attempt: nothing of an
 * earlier attempt is remembered, because a stale begin of a save once killed healthy runs for ever.
 */
export class StallWatch {
  readonly #timing: Pick<Timing, 'stallStartMs' | 'stallStepMs' | 'stallSaveMs'>;
  readonly #sees: Sees;
  readonly #steps: number[] = [];
  #last: StallSample | null = null;
  /** Newest sign of life. */
  #aliveAt = 0;
  #cpuAtLife: number | null = null;

  constructor(timing: Pick<Timing, 'stallStartMs' | 'stallStepMs' | 'stallSaveMs'>, sees: Sees) {
    this.#timing = timing;
    this.#sees = sees;
  }

  /** Takes a sample; answers the stall when there is one. */
  look(sample: StallSample): Stall | null {
    const last = this.#last;
    this.#last = sample;
    const isAlive =
      last === null ||
      sample.logBytes !== last.logBytes ||
      sample.iteration !== last.iteration ||
      sample.phase !== last.phase;
    if (sample.iteration !== null && sample.iteration !== last?.iteration && sample.stepMs !== null) {
      this.#steps.push(sample.stepMs);
      if (this.#steps.length > WINDOW) this.#steps.shift();
    }
    if (isAlive) {
      this.#aliveAt = sample.nowMs;
      this.#cpuAtLife = sample.cpuMs;
      return null;
    }
    const budgetMs = this.#budgetMs(sample);
    const silentMs = sample.nowMs - this.#aliveAt;
    return budgetMs === null || silentMs < budgetMs ? null : { phase: sample.phase, silentMs, budgetMs };
  }

  #budgetMs(sample: StallSample): number | null {
    const { stallStartMs, stallStepMs, stallSaveMs } = this.#timing;
    if (sample.phase === 'done') return null;
    if (sample.phase === 'saving') return Math.max(stallSaveMs, this.#slowStepMs());
    const isBefore = sample.iteration === null && (this.#sees.iterations || sample.phase !== 'training');
    if (isBefore) return this.#sees.iterations || this.#sees.milestones ? stallStartMs : null;
    if (!this.#sees.iterations) return null;
    const stepMs = Math.max(stallStepMs, this.#slowStepMs());
    // A save may be told in another host's log only; while ranks work, this may be one.
    return this.#isBusy(sample) ? Math.max(stallSaveMs, stepMs) : stepMs;
  }

  #isBusy({ nowMs, cpuMs }: StallSample): boolean {
    const spanMs = nowMs - this.#aliveAt;
    return cpuMs !== null && this.#cpuAtLife !== null && spanMs > 0 && (cpuMs - this.#cpuAtLife) / spanMs > IDLE_SHARE;
  }

  #slowStepMs(): number {
    const sorted = [...this.#steps].sort((a, b) => a - b);
    return SLOW_FACTOR * (sorted[Math.floor(sorted.length / 2)] ?? 0);
  }
}
