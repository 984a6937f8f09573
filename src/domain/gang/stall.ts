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
  /** When the checkpoints of the attempt were last written, by the clock of the file system; null: not yet known. */
  readonly savedAtMs: number | null;
  /** CPU time of the host's ranks so far, ms; null when it cannot be read. */
  readonly cpuMs: number | null;
}

/** Which lines this host's ranks print. A host with neither cannot judge, and does not. */
export interface Sees {
  readonly milestones: boolean;
  readonly iterations: boolean;
}

/** How long which silence may last, ms. */
export interface StallLimits {
  /** Until the first iteration, loading excepted where it is seen. */
  readonly stallStartMs: number;
  readonly stallStepMs: number;
  readonly stallSaveMs: number;
  readonly stallLoadMs: number;
  /** Iterations after which a save follows: each multiple of `every`, and the last one. */
  readonly saves: { readonly every: number; readonly last: number };
}

/** A training that stands still. */
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
 * and no rank has written anything, neither lines nor the checkpoint of a save that is due; ranks that compute get the
 * longest budget. One watch per attempt: nothing of an
 * earlier attempt is remembered, because a stale begin of a save once killed healthy runs for ever.
 */
export class StallWatch {
  readonly #limits: StallLimits;
  readonly #sees: Sees;
  readonly #steps: number[] = [];
  #last: StallSample | null = null;
  /** Newest sign of life. */
  #aliveAt = 0;
  #cpuAtLife: number | null = null;

  constructor(limits: StallLimits, sees: Sees) {
    this.#limits = limits;
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
      sample.phase !== last.phase ||
      (this.#mayBeSaving(sample) && sample.savedAtMs !== last.savedAtMs);
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
    const { stallStartMs, stallStepMs, stallSaveMs, stallLoadMs } = this.#limits;
    if (sample.phase === 'done') return null;
    if (sample.phase === 'saving') return Math.max(stallSaveMs, this.#slowStepMs());
    // Ranks that compute do not wait for the file system: the budget of the bytes says nothing about them.
    if (sample.iteration === null && sample.phase === 'loading')
      return this.#isBusy(sample) ? Math.max(stallStartMs, stallLoadMs) : stallLoadMs;
    const isBefore = sample.iteration === null && (this.#sees.iterations || sample.phase !== 'training');
    if (isBefore) {
      // Where the milestones stand in another host's log, the load is a part of this silence.
      if (this.#sees.milestones) return stallStartMs;
      return this.#sees.iterations ? Math.max(stallStartMs, stallLoadMs) : null;
    }
    if (!this.#sees.iterations) return null;
    const stepMs = Math.max(stallStepMs, this.#slowStepMs());
    // A save is told in the log of rank 0's host only: it is known to follow certain iterations, and where ranks work
    // this may be one, or an evaluation.
    return this.#isSaveDue(sample) || this.#isBusy(sample) ? Math.max(stallSaveMs, stepMs) : stepMs;
  }

  #mayBeSaving(sample: StallSample): boolean {
    return sample.phase === 'saving' || this.#isSaveDue(sample);
  }

  #isSaveDue({ iteration }: StallSample): boolean {
    const { every, last } = this.#limits.saves;
    return !this.#sees.milestones && iteration !== null && (iteration % every === 0 || iteration === last);
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
