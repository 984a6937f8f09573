import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import type { ProcessKey } from '../../host/processes/identity.js';
import { parseStat, readProcess } from '../../host/processes/proc.js';

/** How much of a log is kept. */
export interface LogLimit {
  /** A file that is larger is put aside. */
  readonly maxBytes: number;
  /** Older files beside it: `NAME.1` is the newest. */
  readonly keep: number;
}

/** How long the logs of `temper dev` may become. */
export const LOG_LIMIT: LogLimit = { maxBytes: 10_000_000, keep: 3 };

/** A process stops within microseconds; one that is in the middle of a write to a busy disk ends it first. */
const STOP_LIMIT_MS = 100;
const CHUNK_BYTES = 1 << 20;

/**
 * Puts a log aside that has become too large. Its writer, which appends and cannot open it anew, is stopped for the
 * moment between the last copied byte and the truncation, so that no line falls between them. A kill at any point
 * leaves lines twice at worst. Answers whether it did; throws what the file system says.
 */
export function rotateLog(file: string, writer: ProcessKey | null, { maxBytes, keep }: LogLimit): boolean {
  if (sizeOf(file) <= maxBytes) return false;
  for (let number = keep - 1; number >= 1; number -= 1) moveIfThere(`${file}.${number}`, `${file}.${number + 1}`);
  const aside = `${file}.1`;
  try {
    copyFileSync(file, aside);
    if (pausing(writer, () => moveRest(file, aside))) return true;
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  rmSync(aside, { force: true });
  return false;
}

/** Copies what came since, which is little, and empties the file. */
function moveRest(file: string, aside: string): void {
  const [from, to] = [openSync(file, 'r'), openSync(aside, 'a')];
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = statSync(aside).size; ;) {
      const bytes = readSync(from, chunk, 0, chunk.length, at);
      if (bytes === 0) break;
      at += writeSync(to, chunk, 0, bytes);
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
  truncateSync(file);
}

/** Does something while a process of ours stands still; false when it did not stop in time, and nothing was done. */
function pausing(key: ProcessKey | null, work: () => void): boolean {
  const isThere = key !== null && readProcess(key.pid)?.startTicks === key.startTicks;
  if (!isThere) {
    work();
    return true;
  }
  process.kill(key.pid, 'SIGSTOP');
  try {
    if (!standsStill(key.pid)) return false;
    work();
    return true;
  } finally {
    process.kill(key.pid, 'SIGCONT');
  }
}

function standsStill(pid: number): boolean {
  const giveUpAt = performance.now() + STOP_LIMIT_MS;
  while (!statesOf(pid).every((state) => 'TtZX'.includes(state))) {
    if (performance.now() > giveUpAt) return false;
    // Sleeps without giving up the turn: nothing else here may run while the process is stopped.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  return true;
}

/** State letters of all threads: one may be ending a write while the first stands still. */
function statesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(
      (thread) => parseStat(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1'))?.state ?? 'X',
    );
  } catch {
    // A thread or the process ended meanwhile: the next look tells.
    return readProcess(pid) === null ? [] : ['?'];
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function moveIfThere(from: string, to: string): void {
  if (sizeOf(from) > 0) renameSync(from, to);
}
