import { canonicalJson } from '../canonical.js';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** Weekdays come back to the same dates after 28 years, leap years included (until 2100). */
const FROM_MS = Date.UTC(2027, 0, 1);
const DAYS = 29 * 366;

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIELDS = [
  { name: 'minute', low: 0, high: 59, names: [], base: 0 },
  { name: 'hour', low: 0, high: 23, names: [], base: 0 },
  { name: 'day of the month', low: 1, high: 31, names: [], base: 0 },
  { name: 'month', low: 1, high: 12, names: MONTHS, base: 1 },
  { name: 'day of the week', low: 0, high: 7, names: WEEKDAYS, base: 0 },
] as const;
const SHORTHANDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** What a cron expression means, or what is wrong with it. */
export type CronReading =
  | {
      readonly problem: null;
      /** Shortest time between two runs; null: it never runs twice in 28 years. */ readonly shortestGapMs:
        | number
        | null;
    }
  | { readonly problem: string };

/** Times of a clock on the wall at which a cron expression starts runs. */
export interface CronTimes {
  /** Minutes of a day, sorted. */
  readonly ofDay: readonly number[];
  /** Whether it runs on a day, whose date is told as UTC. */
  isRunDay(date: Date): boolean;
}

/** Reads a cron expression of five fields; the shortest gap is the one of a clock without changes. */
export function readCron(text: string): CronReading {
  const times = cronTimes(text);
  if ('problem' in times) return times;
  const gap = shortestGap(times);
  return gap === 'never' ? { problem: 'no day matches this cron expression' } : { problem: null, shortestGapMs: gap };
}

/** Whether two cron expressions name the same times. */
export function isSameCron(one: string, other: string): boolean {
  const [a, b] = [cronFields(one), cronFields(other)];
  return !('problem' in a) && !('problem' in b) && canonicalJson(a) === canonicalJson(b);
}

/** The times of a cron expression as Temporal reads it: the day of the month and of the week must both match. */
export function cronTimes(text: string): CronTimes | { readonly problem: string } {
  const fields = cronFields(text);
  if ('problem' in fields) return fields;
  const [minutes, hours, days, months, weekdays] = fields;
  if (!minutes || !hours || !days || !months || !weekdays) throw new TypeError('a cron expression has five fields');
  const ofDay = hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));
  const isRunDay = (date: Date): boolean =>
    weekdays.includes(date.getUTCDay()) && days.includes(date.getUTCDate()) && months.includes(date.getUTCMonth() + 1);
  return { ofDay, isRunDay };
}

/** The values of each field, sorted; Sunday is 0. */
function cronFields(text: string): (readonly number[])[] | { readonly problem: string } {
  const words = (SHORTHANDS[text.trim()] ?? text).trim().split(/\s+/);
  if (words.length !== FIELDS.length)
    return { problem: `a cron expression has five fields (minute hour day month weekday), not ${words.length}` };
  const fields: (readonly number[])[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const values = readField(words[index] ?? '', field);
    if (typeof values === 'string') return { problem: values };
    const isWeekday = field.high === 7;
    fields.push([...new Set(isWeekday ? [...values].map((day) => day % 7) : values)].sort((a, b) => a - b));
  }
  return fields;
}

function shortestGap({ ofDay, isRunDay }: CronTimes): number | null | 'never' {
  const within = ofDay.slice(1).map((minute, index) => minute - (ofDay[index] ?? 0));
  let shortest = Math.min(Number.POSITIVE_INFINITY, ...within);
  let last: number | null = null;
  let isMet = false;
  for (let day = 0; day < DAYS; day += 1) {
    if (!isRunDay(new Date(FROM_MS + day * DAY_MS))) continue;
    isMet = true;
    if (last !== null) shortest = Math.min(shortest, day * DAY_MINUTES + (ofDay[0] ?? 0) - last);
    last = day * DAY_MINUTES + (ofDay.at(-1) ?? 0);
  }
  if (!isMet) return 'never';
  return Number.isFinite(shortest) ? shortest * MINUTE_MS : null;
}

function readField(
  word: string,
  { name, low, high, names, base }: (typeof FIELDS)[number],
): ReadonlySet<number> | string {
  const values = new Set<number>();
  for (const part of word.split(',')) {
    const match = /^(\*|[A-Za-z]{3}|\d{1,2})(?:-([A-Za-z]{3}|\d{1,2}))?(?:\/(\d{1,2}))?$/.exec(part);
    if (match === null) return `${JSON.stringify(part)} is no ${name}`;
    const [, first = '', last, step] = match;
    const number = (text: string): number => {
      const index = names.findIndex((one) => one === text.toUpperCase());
      return index >= 0 ? index + base : /^\d+$/.test(text) ? Number(text) : Number.NaN;
    };
    const from = first === '*' ? low : number(first);
    const until = first === '*' ? high : last !== undefined ? number(last) : step === undefined ? from : high;
    const stride = step === undefined ? 1 : Number(step);
    if (!(from >= low && until <= high && from <= until && stride >= 1) || (first === '*' && last !== undefined))
      return `${JSON.stringify(part)} is no ${name} (${low} to ${high})`;
    for (let value = from; value <= until; value += stride) values.add(value);
  }
  return values;
}
