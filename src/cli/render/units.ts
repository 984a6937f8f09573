const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in milliseconds for people: `0.4 s`, `12 s`, `3m 05s`, `1h 02m`, `2d 03h`. */
export function showDuration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / SECOND).toFixed(1)} s`;
  if (ms < MINUTE - 500) return `${Math.round(ms / SECOND)} s`;
  const [big, small, isSmallWhole] =
    ms < HOUR - 500
      ? ([MINUTE, SECOND, 's'] as const)
      : ms < DAY
        ? ([HOUR, MINUTE, 'm'] as const)
        : ([DAY, HOUR, 'h'] as const);
  const units = Math.round(ms / small);
  const perBig = big / small;
  const name = big === MINUTE ? 'm' : big === HOUR ? 'h' : 'd';
  return `${Math.floor(units / perBig)}${name} ${String(units % perBig).padStart(2, '0')}${isSmallWhole}`;
}

/** How long ago a moment (RFC 3339) was, seen at `nowMs`. */
export function showAgo(at: string, nowMs: number): string {
  return `${showDuration(Math.max(0, nowMs - Date.parse(at)))} ago`;
}

/** A number as a share: `98.0 %`. */
export function showShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A number with a few telling digits: `0.1234`, `12.3`. */
export function showNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
