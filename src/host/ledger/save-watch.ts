import type { Proofs } from './prove.js';

/**
 * Proves the saves of a training in the background, one after the other, while its supervisor goes on: a proof reads
 * some hundred MB, and a heartbeat must not wait for that.
 */
export class SaveWatch {
  readonly #prove: (upTo: number) => Promise<Proofs>;
  #wanted: number | null = null;
  #looked: number | null = null;
  #running: Promise<void> | null = null;
  #proofs: Proofs = { newest: null, refused: [] };
  #error: unknown = null;

  /** `prove` proves all saves up to an iteration; see `proveSaved`. */
  constructor(prove: (upTo: number) => Promise<Proofs>) {
    this.#prove = prove;
  }

  /** Tells what the log said was saved last. Never waits and never throws. */
  note(saved: number | null): void {
    if (saved === null || saved === this.#looked) return;
    this.#wanted = saved;
    this.#running ??= this.#work();
  }

  /** What is proven so far. */
  get proofs(): Proofs {
    return this.#proofs;
  }

  /** Why the last look failed (such as a workspace that cannot be read); null when it did not. */
  get error(): unknown {
    return this.#error;
  }

  /** Waits until everything that was noted has been looked at. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #work(): Promise<void> {
    while (this.#wanted !== null) {
      const upTo = this.#wanted;
      this.#wanted = null;
      try {
        this.#proofs = await this.#prove(upTo);
        this.#looked = upTo;
        this.#error = null;
      } catch (error) {
        // The next note tries again: `#looked` still names the save before.
        this.#error = error;
      }
    }
    this.#running = null;
  }
}
