import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * When a file below `dir` was last written, ms by the clock of the file system; null when there is none. Of several
 * folders only the newest is entered: saves of a large gang are thousands of files, and only the last one grows.
 */
export async function lastWrite(dir: string): Promise<number | null> {
  const names = await readdir(dir).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(dir, name);
      // What retention or a rename took away between the two calls says nothing.
      const facts = await stat(path).catch(() => null);
      return facts === null ? [] : [{ path, isFolder: facts.isDirectory(), at: facts.mtimeMs }];
    }),
  );
  const entries = found.flat();
  const files = entries.filter(({ isFolder }) => !isFolder).map(({ at }) => at);
  const [newest] = entries.filter(({ isFolder }) => isFolder).toSorted((a, b) => b.at - a.at);
  const below = newest === undefined ? null : await lastWrite(newest.path);
  const times = below === null ? files : [...files, below];
  return times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b));
}

/** Pause between two looks, in times of what one took: a busy file system is asked less often. */
const PAUSE_FACTOR = 10;

/** Follows when something below a folder was last written. */
export class WriteWatch {
  readonly #dir: string;
  #newest: number | null = null;
  #isLooking = false;
  #restUntil = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** What is known; looks again behind the caller's back, since a file system that hangs must not hold it up. */
  newest(): number | null {
    if (!this.#isLooking && performance.now() >= this.#restUntil) void this.#look();
    return this.#newest;
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const begun = performance.now();
    this.#newest = await lastWrite(this.#dir);
    const ended = performance.now();
    this.#restUntil = ended + PAUSE_FACTOR * (ended - begun);
    this.#isLooking = false;
  }
}
