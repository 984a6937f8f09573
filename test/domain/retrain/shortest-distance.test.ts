import { describe, expect, it } from 'vitest';
import { readRetrain } from '../../../src/domain/retrain/read-retrain.js';
import { shortestDistanceMs } from '../../../src/domain/retrain/shortest-distance.js';

const HOUR = 3_600_000;
const BASE = 'apiVersion: temper/v1\nkind: Retrain\nname: n\nspec: ./s.yaml\n';

function distanceOf(schedule: string): number | null {
  const { retrain } = readRetrain(`${BASE}schedule: { ${schedule} }\n`, 'f');
  if (retrain === null) throw new Error(schedule);
  return shortestDistanceMs(retrain);
}

describe('the shortest time between two starts', () => {
  it.each([
    ["cron: '0 4 * * *'", 24],
    ["cron: '0 4 * * *', timezone: Asia/Shanghai", 24],
    ["cron: '0 4 * * *', timezone: Europe/Berlin", 23],
    // A time that a clock leaves out is left out: it comes no nearer to others.
    ["cron: '30 2 * * *', timezone: Europe/Berlin", 24],
    ["cron: '0 1,3 * * *', timezone: Europe/Berlin", 1],
    ["cron: '0 * * * *', timezone: Europe/Berlin", 1],
    ["cron: '*/30 * * * *', timezone: Europe/Berlin", 0.5],
    ["cron: '0 3 * * SUN', timezone: Europe/Berlin", 7 * 24 - 1],
    ["cron: '0 3 * * MON', timezone: Europe/Berlin", 7 * 24 - 1],
    ["cron: '0 4 * * *', timezone: Australia/Lord_Howe", 23.5],
    ["cron: '0 4 * * *', timezone: America/New_York, jitter: 30m", 22.5],
    ["cron: '0 0 29 2 MON', timezone: Europe/Berlin", null],
    ['every: 6h', 6],
    ['every: 6h, timezone: Europe/Berlin', 6],
    ['every: 6h, jitter: 1h', 5],
    ['every: 6h, jitter: 7h', 0],
  ])('with %s is %s h', (schedule, hours) => {
    expect(distanceOf(schedule)).toBe(hours === null ? null : hours * HOUR);
  });

  it.each([
    ["cron: '0 4 * * *', timezone: Europe/Berlin", '23h', 'the next run is due 82800 s after'],
    ["cron: '0 4 * * *', timezone: Europe/Berlin", '22h', null],
    ['every: 6h, jitter: 1h', '5h', 'the next run is due 18000 s after'],
    ['every: 6h, jitter: 1h', '4h', null],
    ['every: 6h, jitter: 6h', '1s', 'no time is left for an approval'],
  ])('bounds the wait for an approval: %s with %s', (schedule, within, what) => {
    const { problems } = readRetrain(`${BASE}schedule: { ${schedule} }\napproval: { within: ${within} }\n`, 'f');
    expect(problems.map((one) => one.what)).toEqual(what === null ? [] : [expect.stringContaining(what)]);
  });
});
