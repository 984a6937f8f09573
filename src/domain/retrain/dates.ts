const TEMPLATE = /\{\{([^{}]*)\}\}/g;
const DATE = /^(date|datetime)(?:\s*([+-])\s*(\d{1,4})d)?$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
const DAY_MS = 86_400_000;

/** What is wrong with the `{{…}}` of a text, or null; `others` are names that somebody else fills later. */
export function checkTemplates(text: string, others: readonly string[] = []): string | null {
  for (const [whole, inner = ''] of text.matchAll(TEMPLATE)) {
    if (!DATE.test(inner.trim()) && !others.includes(inner.trim()))
      return `${whole} is unknown; there are {{date}}, {{date-1d}} and {{datetime}}`;
  }
  return null;
}

/** The first `{{…}}` of a text that is none of `known`, or null. */
export function otherTemplate(text: string, known: readonly string[]): string | null {
  for (const [whole] of text.matchAll(TEMPLATE)) if (!known.includes(whole)) return whole;
  return null;
}

/**
 * Fills `{{date}}` (2026-11-26), `{{date-1d}}` and `{{datetime}}` (2026-11-26T020000) for the time that a run was
 * scheduled for, told in a zone. Days are calendar days, also where a clock is changed.
 */
export function fillDates(text: string, at: string, timezone: string): string {
  return text.replaceAll(TEMPLATE, (whole, inner: string) => {
    const match = DATE.exec(inner.trim());
    if (match === null) return whole;
    const [, kind, sign, days = '0'] = match;
    const { date, time } = localTime(at, timezone);
    const moved = addDays(date, (sign === '-' ? -1 : 1) * Number(days));
    return kind === 'date' ? moved : `${moved}T${time}`;
  });
}

/**
 * The moment of a wall clock in a zone, RFC 3339. A time that a clock skips is the moment as long after the skip began:
 * 00:00 is the first moment of a day that begins at 01:00.
 */
export function zonedMoment(date: string, time: string, timezone: string): string {
  const wanted = Date.parse(`${date}T${time}Z`);
  const error = (moment: number): number => {
    const local = localTime(new Date(moment).toISOString(), timezone);
    return wanted - Date.parse(`${local.date}T${local.time.replace(/(\d\d)(\d\d)(\d\d)/, '$1:$2:$3')}Z`);
  };
  // The offset at the moment itself is the one that counts: it may differ from that of the first guess.
  const first = wanted + error(wanted);
  const second = first + error(first);
  return new Date(error(second) === 0 ? second : Math.max(first, second)).toISOString();
}

/** Reads 2026-11-26, whose time of day is `time` in the zone, or a moment of RFC 3339; null for others. */
export function readMoment(text: string, time: string, timezone: string): Date | null {
  if (!isDay(text.slice(0, 10))) return null;
  if (text.length === 10) return new Date(zonedMoment(text, time, timezone));
  const at = MOMENT.test(text) ? new Date(text) : null;
  return at === null || Number.isNaN(at.getTime()) ? null : at;
}

/** Days that no month has are refused: 31 February is not 3 March. */
function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

/** A moment as a wall clock of the zone shows it: 2026-11-26 02:00:00. */
export function showInZone(at: string, timezone: string): string {
  const { date, time } = localTime(at, timezone);
  return `${date} ${time.replace(/(\d\d)(\d\d)(\d\d)/, '$1:$2:$3')}`;
}

function localTime(at: string, timeZone: string): { date: string; time: string } {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  } as const).formatToParts(new Date(at));
  const get = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return {
    date: `${get('year')}-${get('month')}-${get('day')}`,
    time: `${get('hour')}${get('minute')}${get('second')}`,
  };
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
