import { describe, expect, it } from 'vitest';
import { stopping } from '../../../src/cli/dev/shut-down.js';

describe('what is told when runs are stopped', () => {
  it.each([
    [['tiny'], true, 'stopping tiny; the next start continues it'],
    [['tiny'], false, 'stopping tiny; after the next start temper resume tiny continues it'],
    [['a', 'b'], false, 'stopping a, b; after the next start temper resume a, temper resume b continues them'],
  ])('%j, the same command continues them: %j', (runs, isContinued, expected) => {
    expect(stopping(runs, isContinued)).toBe(`${expected} (Ctrl-C again: at once)`);
  });
});
