import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
/** The same, up to some 27 years in each unit: more is a slip, and beyond the timers of a server. */
const BOUNDED_DURATION =
  /^(?:\d{1,12}(?:\.\d{1,9})?ms|\d{1,9}(?:\.\d{1,9})?s|\d{1,7}(?:\.\d{1,9})?m|\d{1,5}(?:\.\d{1,9})?h|\d{1,4}(?:\.\d{1,9})?d)$/;
const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Text that must match a pattern. The message and the example travel with the schema, so that editors and
 * `temper validate` name them also when the value is no text at all.
 */
export function patternText(pattern: RegExp, message: string, example: string): z.ZodString {
  return z
    .string()
    .regex(pattern, message)
    .meta({ patternErrorMessage: message, examples: [example] });
}

/** A length of time as people write it: a number and one unit (`250ms`, `30s`, `30m`, `12h`, `2d`). */
export const DurationSchema = patternText(
  BOUNDED_DURATION,
  'a duration is a number and one of ms, s, m, h, d, up to 9999d',
  '30m',
);

/** Milliseconds of a duration text that `DurationSchema` accepted. */
export function durationMs(text: string): number {
  const match = DURATION.exec(text);
  if (match === null) throw new RangeError(`not a duration: ${text}`);
  const [, amount = '0', unit = 'ms'] = match;
  // Safe: the pattern admits these units only.
  return Math.round(Number(amount) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT]);
}

/**
 * A name that becomes part of ids, file names and queue names: lower-case letters, digits and dashes.
 * 40 characters leave room for the suffixes of keeper ids and Unix socket paths.
 */
export const NameSchema = patternText(
  /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
  'a name has 1 to 40 lower-case letters, digits and inner dashes',
  'shapes-1',
);

/** A host name as workers announce it: also dots, as in fully qualified names. */
export const HostNameSchema = patternText(
  /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/,
  'a host name has 1 to 63 lower-case letters, digits, inner dashes and dots',
  'npu-host-07',
);

/**
 * Text of a path, as the source of a pattern with or without the flag u: no control characters, no line breaks of any
 * kind, no half of a character. Those only arise by accident or attack.
 */
export const PATH_TEXT = String.raw`(?:[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]|[\ud800-\udbff][\udc00-\udfff])+`;

/** Name of a commit, tag or branch: parts between single slashes that begin with a letter or digit, without `..`. */
export const REVISION = /^(?=.{1,100}$)(?!.*\.\.)\w[\w.-]*(?:\/\w[\w.-]*)*$/;

/** A length of time above none. */
export const WaitSchema = patternText(
  new RegExp(`^(?=.*[1-9])${BOUNDED_DURATION.source.slice(1)}`),
  'a time to wait is a number above 0 and one of ms, s, m, h, d, up to 9999d',
  '30m',
);

/** A path given to Temper. */
export const PathSchema = z
  .string()
  .min(1, 'a path cannot be empty')
  .max(1024, 'a path has at most 1024 characters')
  .regex(new RegExp(`^${PATH_TEXT}$`), 'a path cannot hold control characters')
  .meta({ examples: ['/mnt/shared/temper'] });
