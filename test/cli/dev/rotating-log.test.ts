import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRotatingLog } from '../../../src/cli/dev/rotating-log.js';

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-rotate-'));
  log = join(folder, 'log');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Lines of the log and of what was put aside, oldest first. */
function lines(): string[] {
  const aside = readdirSync(folder)
    .filter((name) => name.startsWith('log.'))
    .toSorted((a, b) => Number(b.slice(4)) - Number(a.slice(4)));
  const texts = [...aside, 'log'].map((name) => readFileSync(join(folder, name), 'utf8'));
  return texts.join('').split('\n').slice(0, -1);
}

describe('a log that becomes too large', () => {
  it('is put aside, and loses no line', () => {
    const { write } = openRotatingLog(log, { maxBytes: 500, keep: 1_000 });
    for (let number = 0; number < 1_000; number += 1) write(`line ${number}\n`);
    const found = lines();
    expect(found).toEqual(Array.from({ length: 1_000 }, (_, number) => `line ${number}`));
    expect(readdirSync(folder).length).toBeGreaterThan(10);
  });

  it('is kept within its limits, the newest lines always, also over restarts', () => {
    for (let number = 0; number < 100; number += 1) {
      const { write } = openRotatingLog(log, { maxBytes: 500, keep: 2 });
      for (let line = 0; line < 20; line += 1) write(`line ${number}\n`);
    }
    expect(readdirSync(folder).toSorted()).toEqual(['log', 'log.1', 'log.2']);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(1_000);
    expect(statSync(`${log}.1`).mode & 0o777).toBe(0o600);
    expect(lines().at(-1)).toBe('line 99');
    expect(new Set(lines()).size).toBeGreaterThan(4);
  });

  it('is put aside once when the writer of an earlier start is still at its last lines', () => {
    const limit = { maxBytes: 100, keep: 5 };
    writeFileSync(log, 'old\n'.repeat(40));
    const [earlier, later] = [openRotatingLog(log, limit), openRotatingLog(log, limit)];
    earlier.write('last\n');
    later.write('first\n');
    expect(readdirSync(folder).toSorted()).toEqual(['log', 'log.1']);
    expect(readFileSync(log, 'utf8')).toBe('last\nfirst\n');
  });

  it('tells how many lines could not be written, when one can be again', () => {
    symlinkSync('/dev/full', log);
    const { write } = openRotatingLog(log, { maxBytes: 1_000, keep: 2 });
    for (const line of ['a\n', 'b\n']) write(line);
    rmSync(log);
    for (const line of ['c\n', 'd\n']) write(line);
    expect(lines()).toEqual([expect.stringContaining('2 lines could not'), 'c', 'd']);
  });
});
