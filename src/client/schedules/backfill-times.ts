import { TemperError } from '../../domain/errors.js';
import { readMoment } from '../../domain/retrain/dates.js';

/** The moments that a backfill names, whole days in a zone; throws for others, which needs no server. */
export function backfillTimes(
  { from, to }: { readonly from: string; readonly to: string },
  timezone: string,
): { readonly start: Date; readonly end: Date } {
  const start = moment('--from', from, '00:00:00', timezone);
  const end = moment('--to', to, '23:59:59', timezone);
  if (end < start) throw new TemperError('UsageInvalid', { what: `--to ${to} is before --from ${from}` });
  return { start, end };
}

function moment(flag: string, text: string, time: string, timezone: string): Date {
  const at = readMoment(text, time, timezone);
  if (at !== null) return at;
  throw new TemperError('UsageInvalid', {
    where: flag,
    what: `${JSON.stringify(text)} is no time`,
    fix: 'write 2026-11-26 (in the zone of the schedule) or 2026-11-26T02:00:00Z',
  });
}
