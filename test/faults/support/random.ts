import { randomInt } from 'node:crypto';

/** Numbers that a seed decides, so that a fault that was found can be found again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator of its own for a name: one more row changes nothing for the others. */
  static of(seed: number, name: string): Random {
    const mixed = Buffer.from(name).reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, seed >>> 0);
    return new Random(mixed);
  }

  /** mulberry32, by Tommy Ettinger: 32 bits of state are enough for choosing moments. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.between(0, choices.length - 1)];
    if (choice === undefined) throw new RangeError('there is nothing to pick from');
    return choice;
  }
}

/** The seed of this process: `TEMPER_FAULTS_SEED`, or another one each time, which is printed. */
export function chooseSeed(given: string | undefined): number {
  const seed = given === undefined || given === '' ? randomInt(2 ** 31) : Number(given);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`the seed ${given} is no whole number from 0 up`);
  return seed;
}
