const TEMPLATE = /\{\{([^{}]*)\}\}/g;
const DATE = /^(date|datetime)(?:\s*([+-])\s*(\d{1,4})d)?$/;
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

/** Whether a zone is known here. */
export function isTimezone(timezone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}

/** The moment of a wall clock in a zone, RFC 3339; a time that a clock skips is taken as if it did not. */
export function zonedMoment(date: string, time: string, timezone: string): string {
  const wanted = Date.parse(`${date}T${time}Z`);
  let moment = wanted;
  // The offset at the moment itself is the one that counts: it may differ from that of the first guess.
  for (let round = 0; round < 2; round += 1) {
    const local = localTime(new Date(moment).toISOString(), timezone);
    const shown = Date.parse(`${local.date}T${local.time.replace(/(\d\d)(\d\d)(\d\d)/, '$1:$2:$3')}Z`);
    moment += wanted - shown;
  }
  return new Date(moment).toISOString();
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
