import { readdirSync, readFileSync } from 'node:fs';

/** One row of `/proc`: what is needed to find, judge and kill a process. */
export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  /** Session id: the pid of the process that called setsid. */
  readonly session: number;
  /** State letter of the main thread, as in proc(5): R, S, D, Z, T, ... */
  readonly state: string;
  /** Clock ticks since boot. */
  readonly startTicks: number;
  /** False for a zombie, which holds no resources but its pid. */
  readonly isAlive: boolean;
}

/** All user processes visible here; kernel threads are left out. One synchronous pass, not an atomic snapshot. */
export function listProcesses(): readonly ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((found) => found !== null);
}

/** One process, or null when it does not exist (any more) or is a kernel thread. */
export function readProcess(pid: number): ProcessInfo | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    // ENOENT or ESRCH: it ended, possibly between the listing and this read.
    return null;
  }
}

/** Whether the environment with which the process was started holds `entry` ("NAME=value"). */
export function hasEnvironmentEntry(pid: number, entry: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${entry}\0`);
  } catch {
    // Gone, or another user's: either way not ours.
    return false;
  }
}

/** PF_KTHREAD of include/linux/sched.h: kernel threads have no environment and cannot be signalled. */
const KERNEL_THREAD_FLAG = 0x0020_0000;

/** Reads one line of `/proc/<pid>/stat`; null when it is malformed or a kernel thread. */
export function parseStat(text: string): ProcessInfo | null {
  // The name in parentheses is chosen by the program and may hold spaces and parentheses itself.
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  // proc(5) counts from 1 with pid and name first, so field n is fields[n - 3].
  const field = (n: number): number => Number(fields[n - 3]);
  const pid = Number.parseInt(text, 10);
  const state = fields[0] ?? '';
  const startTicks = field(22);
  if (nameEnd < 0 || !Number.isSafeInteger(pid) || !Number.isSafeInteger(startTicks)) return null;
  if ((field(9) & KERNEL_THREAD_FLAG) !== 0) return null;
  // A main thread that ended shows Z while other threads live on: so looks a rank of which one thread is stuck
  // in a device driver after SIGKILL. Only with no other thread left is the process really gone.
  const isAlive = !((state === 'Z' || state === 'X') && field(20) <= 1);
  return { pid, ppid: field(4), session: field(6), state, startTicks, isAlive };
}
