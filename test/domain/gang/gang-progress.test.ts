import { describe, expect, it } from 'vitest';
import { hasAdvanced, newestOf } from '../../../src/domain/gang/gang-progress.js';

const none = newestOf([]);

describe('the progress of a gang', () => {
  it('is the newest that any of its hosts saw, answers of older versions included', () => {
    expect(newestOf([{ lastIteration: null, writtenAtMs: 7 }, { lastIteration: 3 }, { lastIteration: 2 }])).toEqual({
      iteration: 3,
      writtenAtMs: 7,
    });
    expect(none).toEqual({ iteration: null, writtenAtMs: null });
  });

  it('is seen by the iterations, or by what is written where these cannot be read', () => {
    const early = { iteration: null, writtenAtMs: 10 };
    expect(hasAdvanced(early, { iteration: null, writtenAtMs: 11 })).toBe(true);
    expect(hasAdvanced(early, { iteration: 1, writtenAtMs: 10 })).toBe(true);
    expect(hasAdvanced(none, early)).toBe(true);
    expect(hasAdvanced(early, early)).toBe(false);
    expect(hasAdvanced({ iteration: 5, writtenAtMs: null }, { iteration: 5, writtenAtMs: null })).toBe(false);
    // Nobody can tell: that is no progress.
    expect(hasAdvanced(early, none)).toBe(false);
  });
});
