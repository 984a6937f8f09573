import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of Linux: what /proc tells CPU times in, on every architecture that Temper runs on (proc(5)). */
const MS_PER_TICK = 10;

/** CPU time that the living processes of some sessions have used so far, ms; null when none of them lives. */
export function cpuTimeMs(sessions: ReadonlySet<number>): number | null {
  let ticks: number | null = null;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const found = readTimes(Number(name));
    if (found !== null && sessions.has(found.session)) ticks = (ticks ?? 0) + found.ticks;
  }
  return ticks === null ? null : ticks * MS_PER_TICK;
}

function readTimes(pid: number): { readonly session: number; readonly ticks: number } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It ended between the listing and this read.
    return null;
  }
  // The name in parentheses may hold anything; proc(5) counts from 1, so field n is fields[n - 3] behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (n: number): number => Number(fields[n - 3]);
  const ticks = field(14) + field(15);
  return Number.isFinite(ticks) ? { session: field(6), ticks } : null;
}
