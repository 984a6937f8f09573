import { mapBounded } from './map-bounded.js';

/**
 * Calls to hosts under way, and supervisors being started, at a time. Five hundred calls to as many queues at once broke the embedded server; fifty
 * are answered as fast as the server dispatches.
 */
export const CALLS = 50;

/** Does something for each item, at most `CALLS` at a time; answers in the order of the items. */
export function inParallel<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  return mapBounded(items, CALLS, work);
}

/** Lets at most `CALLS` calls through at a time that are made at different moments; the others wait in their order. */
export class Lanes {
  readonly #waiting: (() => void)[] = [];
  #free = CALLS;

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // A lane goes from hand to hand, so that nobody who comes later takes it first.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
