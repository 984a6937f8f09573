import { describe, expect, it } from 'vitest';
import { showDuration, showNumber, showShare } from '../../../src/cli/render/units.js';

describe('units', () => {
  it.each([
    [0, '0.0 s'],
    [-5, '0.0 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1m 00s'],
    [185_000, '3m 05s'],
    [3_599_600, '1h 00m'],
    [3_720_000, '1h 02m'],
    [86_400_000 * 2 + 3 * 3_600_000, '2d 03h'],
  ])('%i ms is %s', (ms, text) => {
    expect(showDuration(ms)).toBe(text);
  });

  it('shows numbers with four digits and shares with one', () => {
    expect([showNumber(0.123456), showNumber(12), showNumber(0.00001234), showShare(0.98)]).toEqual([
      '0.1235',
      '12',
      '0.00001234',
      '98.0 %',
    ]);
  });
});
