import type { PreflightCheck } from '../../schemas/preflight.js';
import { checked } from './list.js';

/** One host's clock, bracketed by the clock of who asked. Times in ms since the epoch. */
export interface ClockReading {
  readonly host: string;
  /** Clock of the host when it answered. */
  readonly hostMs: number;
  /** The asker's clock before: the host answered at least `elapsedMs` after it. */
  readonly askedMs: number;
  readonly elapsedMs: number;
  /** The asker's clock after. */
  readonly answeredMs: number;
}

/** Logs of hosts further apart cannot be put in order. */
const WARN_MS = 1_000;
/** So far apart it is no drift but a clock that nobody sets. */
const FAIL_MS = 10_000;

/**
 * How far the clocks of hosts are apart at least. Each reading gives a range for host minus asker, as wide as the way
 * took; only what two ranges do not share counts, so that a slow answer is never taken for a wrong clock.
 */
export function judgeClocks(readings: readonly ClockReading[]): PreflightCheck {
  const ranges = readings.map(({ host, hostMs, askedMs, elapsedMs, answeredMs }) => ({
    host,
    least: hostMs - answeredMs,
    most: hostMs - askedMs - elapsedMs,
  }));
  const ahead = ranges.reduce((a, b) => (b.least > a.least ? b : a), ranges[0] ?? NOBODY);
  const behind = ranges.reduce((a, b) => (b.most < a.most ? b : a), ranges[0] ?? NOBODY);
  const apartMs = Math.max(0, ahead.least - behind.most);
  if (apartMs < WARN_MS) {
    const widest = Math.max(0, ...ranges.map(({ least, most }) => most - least));
    return checked('clock', 'ok', {
      where: `${readings.length} hosts`,
      what: `no clocks are known to differ (seen to ${(widest / 1000).toFixed(2)} s)`,
    });
  }
  return checked('clock', apartMs < FAIL_MS ? 'warn' : 'fail', {
    where: oddOne(ranges, ahead.host, behind.host),
    what: `the clock of ${ahead.host} is at least ${(apartMs / 1000).toFixed(1)} s ahead of that of ${behind.host}`,
    fix: 'let chrony or ntpd set the clocks: chronyc tracking',
  });
}

interface Range {
  readonly host: string;
  readonly least: number;
  readonly most: number;
}

const NOBODY: Range = { host: '', least: 0, most: 0 };

/** Of the two, the one that is further from the middle of all, the asker's own clock included: two hosts have none. */
function oddOne(ranges: readonly Range[], ahead: string, behind: string): string {
  const middles = [0, ...ranges.map(({ least, most }) => (least + most) / 2)].sort((a, b) => a - b);
  const middle = middles[Math.floor(middles.length / 2)] ?? 0;
  const distance = (host: string): number => {
    const range = ranges.find((one) => one.host === host) ?? NOBODY;
    return Math.abs((range.least + range.most) / 2 - middle);
  };
  return distance(behind) > distance(ahead) ? behind : ahead;
}
