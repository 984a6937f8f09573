import { describe, expect, it } from 'vitest';
import { readCron } from '../../../src/domain/retrain/cron.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('a cron expression', () => {
  it.each([
    ['0 2 * * *', DAY],
    ['@daily', DAY],
    ['@hourly', HOUR],
    ['*/15 * * * *', 15 * MINUTE],
    ['*/25 * * * *', 10 * MINUTE],
    ['0 9,17 * * *', 8 * HOUR],
    ['0 23,1 * * *', 2 * HOUR],
    ['30 2 * * MON-FRI', DAY],
    ['30 2 * * sun', 7 * DAY],
    ['0 0 * * 0', 7 * DAY],
    ['0 0 * * 7', 7 * DAY],
    ['0 0 1 * *', 28 * DAY],
    ['0 0 1 JAN *', 365 * DAY],
    ['0 0 13 * FRI', 28 * DAY],
    ['5/20 8 * * *', 20 * MINUTE],
    ['0 0 29 2 *', 1461 * DAY],
    ['0 0 29 2 MON', null],
  ])('%s runs at least %s ms apart', (text, expected) => {
    expect(readCron(text)).toEqual({ problem: null, shortestGapMs: expected });
  });

  it.each([
    ['0 2 * *', 'five fields'],
    ['0 2 * * * *', 'five fields'],
    ['60 2 * * *', 'is no minute'],
    ['0 24 * * *', 'is no hour'],
    ['0 2 0 * *', 'is no day of the month'],
    ['0 2 * 13 *', 'is no month'],
    ['0 2 * * MOO', 'is no day of the week'],
    ['0 5-2 * * *', 'is no hour'],
    ['0 2 * * */0', 'is no day of the week'],
    ['0 2 31 2 *', 'no day matches'],
    ['', 'five fields'],
  ])('%s is refused', (text, message) => {
    expect(readCron(text)).toMatchObject({ problem: expect.stringContaining(message) });
  });
});
