import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of Linux: what /proc tells CPU times in, on every architecture that Temper runs on (proc(5)). */
const MS_PER_TICK = 10;

/** CPU time that the living processes of some sessions have used so far, ms; null when none of them lives. */
export function cpuTimeMs(sessions: ReadonlySet<number>): number | null {
  const own = listProcessTimes().filter(({ session }) => sessions.has(session));
  return own.length === 0 ? null : own.reduce((total, { workedMs }) => total + workedMs, 0);
}

/** One process and the CPU time that it has used so far. */
export interface ProcessTimes {
  readonly pid: number;
  readonly ppid: number;
  readonly session: number;
  /** State letter of the main thread, as in proc(5). */
  readonly state: string;
  readonly workedMs: number;
}

/** All processes of this machine, in one synchronous pass. */
export function listProcessTimes(): ProcessTimes[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readTimes(Number(name)) ?? []) : []));
}

function readTimes(pid: number): ProcessTimes | null {
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
  if (!Number.isFinite(ticks)) return null;
  return { pid, ppid: field(4), session: field(6), state: fields[0] ?? '', workedMs: ticks * MS_PER_TICK };
}
