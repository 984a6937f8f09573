import { createHash } from 'node:crypto';

const WORDS = 4;
const TWO_TO_32 = 4_294_967_296;

/** Random numbers from a state of four 32-bit words (xorshift) that can be saved and restored exactly. */
export class RandomStream {
  /** @param {readonly number[]} state four unsigned 32-bit integers, not all zero */
  constructor(state) {
    this.restore(state);
  }

  /**
   * The stream that belongs to a name: equal on every machine.
   * @param {string} name
   */
  static named(name) {
    const digest = createHash('sha256').update(name).digest();
    return new RandomStream(Array.from({ length: WORDS }, (_, word) => digest.readUInt32LE(4 * word)));
  }

  /** The words to save. */
  get state() {
    return [...this.words];
  }

  /** @param {readonly number[]} state */
  restore(state) {
    this.words = Uint32Array.from(state);
  }

  /** A number from 0 up to, not including, 1. */
  next() {
    const [first, second, third, last] = this.words;
    const mixed = first ^ (first << 11);
    this.words.set([second, third, last, last ^ (last >>> 19) ^ mixed ^ (mixed >>> 8)]);
    return this.words[WORDS - 1] / TWO_TO_32;
  }

  /**
   * A number between `-limit` and `limit`.
   * @param {number} limit
   */
  spread(limit) {
    return (2 * this.next() - 1) * limit;
  }
}

/**
 * The numbers below `count` in the order that belongs to a name.
 * @param {number} count
 * @param {string} name
 */
export function shuffled(count, name) {
  const stream = RandomStream.named(name);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(stream.next() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
