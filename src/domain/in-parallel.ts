/**
 * Calls to hosts under way at a time. Five hundred calls to as many queues at once broke the embedded server; fifty
 * are answered as fast as the server dispatches.
 */
const CALLS = 50;

/** Does something for each item, at most `CALLS` at a time; answers in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      // Safe: the index is within the list; `undefined` may only be an item.
      results.set(index, await work(item as T, index));
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS, items.length) }, lane));
  // Safe: each lane ended, so every index has its result.
  return items.map((_, index) => results.get(index) as R);
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
