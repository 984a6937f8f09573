import { spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotateLog } from '../../../src/cli/dev/rotate-log.js';
import { readProcess } from '../../../src/host/processes/proc.js';

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
  it('is put aside while its process writes on, and loses no line', { timeout: 30_000 }, async () => {
    const program = `let n = 0; const many = () => { for (let i = 0; i < 50; i++) require('fs').writeSync(2, 'line ' + n++ + '\\n'); };
      const timer = setInterval(many, 1); process.on('SIGTERM', () => { clearInterval(timer); many(); });`;
    const descriptor = openSync(log, 'a');
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', descriptor] });
    closeSync(descriptor);
    const writer = readProcess(child.pid ?? 0);
    const ended = once(child, 'exit');
    let rotations = 0;
    while (rotations < 40) {
      if (rotateLog(log, writer, { maxBytes: 5_000, keep: 1_000 })) rotations += 1;
      await sleep(5);
    }
    child.kill('SIGTERM');
    await ended;
    const found = lines();
    expect(found).toEqual(found.map((_line, index) => `line ${index}`));
    expect(found.length).toBeGreaterThan(rotations * 100);
    expect(readProcess(child.pid ?? 0)).toBeNull();
  });

  it('is kept within its limits, the newest lines always', () => {
    for (let number = 0; number < 100; number += 1) {
      writeFileSync(log, `line ${number}\n`.repeat(20), { flag: 'a', mode: 0o600 });
      rotateLog(log, null, { maxBytes: 500, keep: 2 });
    }
    expect(readdirSync(folder).toSorted()).toEqual(['log', 'log.1', 'log.2']);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(1_000);
    expect(statSync(`${log}.1`).mode & 0o777).toBe(0o600);
    expect(lines().at(-1)).toBe('line 99');
    expect(new Set(lines()).size).toBeGreaterThan(4);
  });

  it('is left alone while it is small, or not there', () => {
    expect(rotateLog(log, null, { maxBytes: 10, keep: 2 })).toBe(false);
    writeFileSync(log, 'short\n');
    expect(rotateLog(log, null, { maxBytes: 10, keep: 2 })).toBe(false);
    expect(existsSync(`${log}.1`)).toBe(false);
  });

  it('loses nothing when who put it aside was killed before it emptied the file', () => {
    writeFileSync(log, 'a\n'.repeat(20));
    copyFileSync(log, `${log}.1`);
    rotateLog(log, null, { maxBytes: 10, keep: 3 });
    expect(lines()).toEqual(Array.from({ length: 40 }, () => 'a'));
  });

  it('is put aside without a process when its own is gone and another one has its number', () => {
    writeFileSync(log, 'a\n'.repeat(20));
    const gone = { pid: process.pid, startTicks: 1 };
    // Not the process that was meant: nobody is stopped.
    expect(rotateLog(log, gone, { maxBytes: 10, keep: 1 })).toBe(true);
    expect(readFileSync(`${log}.1`, 'utf8')).toBe('a\n'.repeat(20));
  });
});
