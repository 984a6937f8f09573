import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { oncePerDisk } from '../../../src/host/preflight/once-per-disk.js';

let nowMs = 0;
let kind = 0;
beforeEach(() => {
  nowMs = 1_000_000;
  kind += 1;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => vi.restoreAllMocks());

/** Measures under a name of the test; answers which measurement it got. */
function measuring(isWell: boolean): { readonly ask: () => Promise<number>; readonly count: () => number } {
  let count = 0;
  const measure = async (): Promise<number> => (count += 1);
  return {
    ask: async () => (await oncePerDisk(`test ${kind}`, tmpdir(), measure, () => isWell)).value,
    count: () => count,
  };
}

describe('a measurement of a disk', () => {
  it.each([true, false])('is made once for those who ask at the same time (well: %s)', async (isWell) => {
    const { ask, count } = measuring(isWell);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
    nowMs += 4_000;
    expect(await ask()).toBe(1);
    expect(count()).toBe(1);
  });

  it('stands for a minute when it went well', async () => {
    const { ask } = measuring(true);
    expect(await ask()).toBe(1);
    nowMs += 59_000;
    expect(await ask()).toBe(1);
    nowMs += 2_000;
    expect(await ask()).toBe(2);
  });

  it('is made anew by the next launch when it was refused', async () => {
    const { ask } = measuring(false);
    expect(await ask()).toBe(1);
    nowMs += 6_000;
    expect(await ask()).toBe(2);
  });
});
