const TEMPLATE = /\{\{\s*([^{}]*?)\s*\}\}/g;
const DATE = /^(date|datetime)(?:\s*([+-])\s*(\d{1,4})d)?$/;
const DAY_MS = 86_400_000;

/** What is wrong with the `{{…}}` of a text, or null. */
export function checkTemplates(text: string): string | null {
  for (const [whole, inner = ''] of text.matchAll(TEMPLATE)) {
    if (!DATE.test(inner)) return `${whole} is unknown; there are {{date}}, {{date-1d}} and {{datetime}}`;
  }
  return null;
}

/**
 * Fills `{{date}}` (2026-11-26), `{{date-1d}}` and `{{datetime}}` (2026-11-26T020000) for the time that a run was
 * scheduled for, told in a zone. Days are calendar days, also where a clock is changed.
 */
export function fillDates(text: string, at: string, timezone: string): string {
  return text.replaceAll(TEMPLATE, (whole, inner: string) => {
    const match = DATE.exec(inner);
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

function localTime(at: string, timeZone: string): { date: string; time: string } {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  } as const).formatToParts(new Date(at));
  const get = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return { date: `${get('year')}-${get('month')}-${get('day')}`, time: `${get('hour')}${get('minute')}${get('second')}` };
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
