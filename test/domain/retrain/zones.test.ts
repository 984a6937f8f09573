import { describe, expect, it } from 'vitest';
import { isTimezone, nearTimezone } from '../../../src/domain/retrain/zones.js';

describe('a zone', () => {
  it.each([
    ...['UTC', 'Asia/Shanghai', 'Asia/Kolkata', 'Asia/Calcutta', 'America/Argentina/Buenos_Aires', 'Etc/GMT+8'],
    ...['Japan', 'GB', 'PRC', 'W-SU', 'EST5EDT', 'GMT+0', 'US/Pacific', 'Europe/Kyiv', 'America/Port_of_Spain'],
  ])('%s is known, to this platform too', (zone) => {
    expect(isTimezone(zone)).toBe(true);
    expect(() => new Intl.DateTimeFormat('en', { timeZone: zone })).not.toThrow();
  });

  it.each([
    ['asia/shanghai', 'Asia/Shanghai'],
    ['europe/Berlin', 'Europe/Berlin'],
    ['Europe/berlin', 'Europe/Berlin'],
    ['Asia/SHANGHAI', 'Asia/Shanghai'],
    ['asia/Kolkata', 'Asia/Kolkata'],
    ['US/PACIFIC', 'US/Pacific'],
    ['America/Port_Of_Spain', 'America/Port_of_Spain'],
    ['japan', 'Japan'],
    ['utc', 'UTC'],
    ['Europe/Berlim', 'Europe/Berlin'],
    ['Mars/Olympus', null],
    ['+08:00', null],
    ['', null],
  ])('%s is not known under that name; likely is %s', (zone, near) => {
    expect(isTimezone(zone)).toBe(false);
    expect(nearTimezone(zone)).toBe(near);
  });

  // The server refuses the first ones, and the last ones are of its own machine.
  it.each(['PST', 'JST', 'SystemV/PST8', 'US/Pacific-New', 'Local', 'posixrules', 'Factory'])(
    '%s is not known',
    (zone) => expect(isTimezone(zone)).toBe(false),
  );
});
