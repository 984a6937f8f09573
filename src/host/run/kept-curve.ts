import type { IterationReading } from '../../recipes/log-dialect.js';
import { writeMetrics } from './metrics.js';

/**
 * Keeps what the log says of the iterations in the workspace while the training goes on. A host that is lost takes its
 * log with it, and what it logged up to the newest checkpoint no later attempt logs again.
 */
export class KeptCurve {
  readonly #dir: string;
  readonly #every: number;
  #kept = 0;
  #writing: Promise<void> | null = null;

  /** `dir`: the host's folder of the attempt; `every`: iterations between two checkpoints. */
  constructor(dir: string, every: number) {
    this.#dir = dir;
    this.#every = every;
  }

  /** Tells all that was logged so far. Never waits and never throws: a heartbeat must not wait for the workspace. */
  note(iterations: readonly IterationReading[]): void {
    const reached = Math.floor((iterations.at(-1)?.iteration ?? 0) / this.#every);
    if (reached <= this.#kept || this.#writing !== null) return;
    this.#writing = writeMetrics(this.#dir, [...iterations])
      .then(() => {
        this.#kept = reached;
      })
      // The next note tries again.
      .catch(() => undefined)
      .finally(() => (this.#writing = null));
  }

  /** Writes the whole curve, once what is being written is done. */
  async settle(iterations: readonly IterationReading[]): Promise<void> {
    await this.#writing;
    await writeMetrics(this.#dir, iterations);
  }
}
