import { expect, it } from 'vitest';
import { DurationSchema, durationMs } from '../../src/schemas/units.js';

it.each([
  ['250ms', 250],
  ['1.5h', 5_400_000],
  ['0s', 0],
  ['9999d', 863_913_600_000],
])('%s is a duration', (text, ms) => {
  expect(DurationSchema.parse(text)).toBe(text);
  expect(durationMs(text)).toBe(ms);
});

it.each(['10000d', '1000000h', '99999999999999999999d', `1.${'0'.repeat(20)}s`, '-1s', '1', 's', '1 s'])(
  '%s is no duration',
  (text) => {
    expect(DurationSchema.safeParse(text).success).toBe(false);
  },
);
