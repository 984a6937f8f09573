import { describe, expect, it } from 'vitest';
import { checkTemplates, fillDates, readMoment, showInZone, zonedMoment } from '../../../src/domain/retrain/dates.js';
import { retrainRun } from '../../../src/domain/retrain/run-name.js';
import { NameSchema } from '../../../src/schemas/units.js';

describe('dates in texts', () => {
  const at = '2026-11-26T18:30:05.000Z';
  it.each([
    ['/rows/{{date}}.json', 'UTC', '/rows/2026-11-26.json'],
    ['/rows/{{date}}.json', 'Asia/Shanghai', '/rows/2026-11-27.json'],
    ['/rows/{{date-1d}}.json', 'Asia/Shanghai', '/rows/2026-11-26.json'],
    ['{{ date + 5d }}', 'UTC', '2026-12-01'],
    ['{{datetime}} {{date}}', 'UTC', '2026-11-26T183005 2026-11-26'],
    ['{{other}} stays', 'UTC', '{{other}} stays'],
  ])('%s in %s is %s', (text, zone, expected) => {
    expect(fillDates(text, at, zone)).toBe(expected);
  });

  it('count calendar days, also where a clock is changed and over the end of a year', () => {
    expect(fillDates('{{date-1d}}', '2026-03-29T22:30:00Z', 'Europe/Berlin')).toBe('2026-03-29');
    expect(fillDates('{{date-1d}}', '2027-01-01T00:00:00Z', 'UTC')).toBe('2026-12-31');
    expect(fillDates('{{date}}', '2026-11-26T00:00:00Z', 'UTC')).toBe('2026-11-26');
  });

  it('are checked before they are used', () => {
    expect(checkTemplates('/a/{{date}}/{{date-7d}}')).toBeNull();
    expect(checkTemplates(`{{${' '.repeat(200_000)}`)).toBeNull();
    expect(checkTemplates('/a/{{day}}')).toContain('{{day}} is unknown');
    expect(checkTemplates('{{python}} {{date}}', ['python'])).toBeNull();
  });
});

describe('moments of a zone', () => {
  it.each([
    ['2026-11-26', '00:00:00', 'Asia/Shanghai', '2026-11-25T16:00:00.000Z'],
    ['2026-07-01', '23:59:59', 'Europe/Berlin', '2026-07-01T21:59:59.000Z'],
    ['2026-03-29', '04:00:00', 'Europe/Berlin', '2026-03-29T02:00:00.000Z'],
    ['2026-11-26', '12:00:00', 'UTC', '2026-11-26T12:00:00.000Z'],
  ])('%s %s in %s is %s', (date, time, zone, expected) => {
    expect(zonedMoment(date, time, zone)).toBe(expected);
    expect(showInZone(expected, zone)).toBe(`${date} ${time}`);
  });

  it.each([
    ['2026-09-06', 'America/Santiago', '2026-09-06 01:00:00'],
    ['2026-04-24', 'Africa/Cairo', '2026-04-24 01:00:00'],
  ])('%s in %s, whose midnight is skipped, begins after it', (date, zone, expected) => {
    expect(showInZone(zonedMoment(date, '00:00:00', zone), zone)).toBe(expected);
  });

  it('are read from days that there are', () => {
    expect(readMoment('2026-11-26', '00:00:00', 'Asia/Shanghai')?.toISOString()).toBe('2026-11-25T16:00:00.000Z');
    expect(readMoment('2028-02-29T02:00:00+08:00', '', 'UTC')?.toISOString()).toBe('2028-02-28T18:00:00.000Z');
    for (const text of [
      '2026-02-31',
      '2026-02-29T02:00:00Z',
      '2026-13-01',
      '2026-01-01T25:00:00Z',
      'today',
      '2026-1-1',
    ])
      expect(readMoment(text, '00:00:00', 'UTC'), text).toBeNull();
  });
});

it('names of runs hold the time of the longest schedule', () => {
  const run = retrainRun('a'.repeat(24), '2026-11-26T02:00:00.000Z');
  expect(run).toBe(`${'a'.repeat(24)}-20261126t020000`);
  expect(NameSchema.parse(run)).toBe(run);
});
