import type { RetrainFile } from '../../schemas/retrain-file.js';
import { durationMs } from '../../schemas/units.js';
import { cronTimes, readCron, type CronTimes } from './cron.js';
import { isTimezone } from './zones.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** As far as dates and weekdays take to come together again: see `cron.ts`. */
const FROM_MS = Date.UTC(2027, 0, 1);
const UNTIL_MS = Date.UTC(2056, 0, 1);
/** Clocks of no zone are put forward and back within a week. */
const STEP_MS = 7 * DAY_MS;

/**
 * Shortest time between the starts of two runs; null when there is only ever one in years. A start comes up to the
 * jitter late, and the next one need not; a clock that is put forward brings two times nearer to each other, while one
 * that is put back does not (a server 1.32 runs each time of the clock once then, and none of those that are left out).
 */
export function shortestDistanceMs({ schedule }: Pick<RetrainFile, 'schedule'>): number | null {
  const nominal = schedule.every === undefined ? ofCron(schedule) : durationMs(schedule.every);
  const jitterMs = schedule.jitter === undefined ? 0 : durationMs(schedule.jitter);
  return nominal === null ? null : Math.max(0, nominal - jitterMs);
}

function ofCron({ cron = '', timezone }: RetrainFile['schedule']): number | null {
  const [reading, times] = [readCron(cron), cronTimes(cron)];
  if (reading.problem !== null || 'problem' in times || reading.shortestGapMs === null) return null;
  let shortest = reading.shortestGapMs;
  for (const jump of isTimezone(timezone) ? jumpsForward(timezone) : [])
    shortest = Math.min(shortest, distanceOver(jump, times, shortest));
  return shortest;
}

/** A clock that is put forward, told as times of the wall: it goes from one to the other at once. */
interface Jump {
  readonly from: number;
  readonly to: number;
}

/** Time between the last run before a jump and the first one after it; only one under `mostMs` is looked for. */
function distanceOver({ from, to }: Jump, { ofDay, isRunDay }: CronTimes, mostMs: number): number {
  const times: number[] = [];
  for (let day = dayOf(from - mostMs); day <= to + mostMs; day += DAY_MS)
    if (isRunDay(new Date(day))) times.push(...ofDay.map((minute) => day + minute * MINUTE_MS));
  const before = times.findLast((time) => time < from) ?? Number.NEGATIVE_INFINITY;
  const after = times.find((time) => time >= to) ?? Number.POSITIVE_INFINITY;
  return after - before - (to - from);
}

function jumpsForward(timezone: string): Jump[] {
  const offsetAt = offsets(timezone);
  const jumps: Jump[] = [];
  for (let at = FROM_MS; at < UNTIL_MS; at += STEP_MS) {
    let [before, after] = [at, at + STEP_MS];
    const [old, fresh] = [offsetAt(before), offsetAt(after)];
    if (fresh <= old) continue;
    while (after - before > MINUTE_MS) {
      const middle = before + Math.floor((after - before) / (2 * MINUTE_MS)) * MINUTE_MS;
      if (offsetAt(middle) === fresh) after = middle;
      else before = middle;
    }
    jumps.push({ from: after + old, to: after + fresh });
  }
  return jumps;
}

/** What the clock of a zone shows at a moment, less that moment. */
function offsets(timeZone: string): (at: number) => number {
  // Like `2027-01-01 02:00:00`, which is told faster than by its parts.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (at) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`) - at;
}

function dayOf(at: number): number {
  return Math.floor(at / DAY_MS) * DAY_MS;
}
