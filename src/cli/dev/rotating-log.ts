import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';

/** How much of a log is kept. */
export interface LogLimit {
  /** A file that has become larger is put aside. */
  readonly maxBytes: number;
  /** Older files beside it: `NAME.1` is the newest. */
  readonly keep: number;
}

/** A log that is appended to line by line. */
export interface RotatingLog {
  write(line: string): void;
}

/**
 * Opens a log that puts itself aside when it has become too large. Renames and a new file: no line is copied or lost,
 * whenever its process is killed. A write that fails, as on a full disk, is counted and told by the next that does
 * not: what is logged must not be what ends its service.
 */
export function openRotatingLog(file: string, { maxBytes, keep }: LogLimit): RotatingLog {
  let [descriptor, bytes] = open(file);
  let lost = 0;

  const renew = (): void => {
    const isOurs = statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(descriptor).ino;
    // Otherwise the writer of an earlier start of the same service, which is at its last lines, has just done it.
    if (bytes > maxBytes && isOurs)
      for (let number = keep; number >= 1; number -= 1) moveIfThere(aside(file, number - 1), aside(file, number));
    const next = open(file);
    closeSync(descriptor);
    [descriptor, bytes] = next;
  };
  return {
    write: (line) => {
      try {
        if (lost > 0 || bytes > maxBytes) renew();
        if (lost > 0) bytes += writeSync(descriptor, lostLines(lost));
        lost = 0;
        bytes += writeSync(descriptor, line);
      } catch {
        lost += 1;
      }
    },
  };
}

function open(file: string): [descriptor: number, bytes: number] {
  const descriptor = openSync(file, 'a', 0o600);
  return [descriptor, fstatSync(descriptor).size];
}

function aside(file: string, number: number): string {
  return number === 0 ? file : `${file}.${number}`;
}

function moveIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
}

function lostLines(count: number): string {
  return `${JSON.stringify({ level: 'error', msg: `${count} lines could not be written` })}\n`;
}
