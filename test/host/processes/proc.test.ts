import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { identityOf, isRunning, readBootId, readMachineId } from '../../../src/host/processes/identity.js';
import { hasEnvironmentEntry, listProcesses, parseStat, readProcess } from '../../../src/host/processes/proc.js';

/** A line of /proc/<pid>/stat with the fields that matter set. */
function stat(over: { name?: string; state?: string; flags?: number; threads?: number }): string {
  const { name = 'sh', state = 'S', flags = 4_194_304, threads = 1 } = over;
  return `42 (${name}) ${state} 7 42 9 0 -1 ${flags} 1 2 3 4 5 6 7 8 20 0 ${threads} 0 12345 100 200\n`;
}

describe('parseStat', () => {
  it('reads parent, session and start time, whatever the name of the program', () => {
    const expected = { pid: 42, ppid: 7, session: 9, state: 'S', startTicks: 12_345, isAlive: true };
    expect(parseStat(stat({}))).toEqual(expected);
    expect(parseStat(stat({ name: 'a) R 1 1 (b' }))).toEqual(expected);
    expect(parseStat(stat({ name: 'new\nline' }))).toEqual(expected);
  });

  it('calls a zombie dead, but not one of which other threads live on', () => {
    expect(parseStat(stat({ state: 'Z' }))?.isAlive).toBe(false);
    expect(parseStat(stat({ state: 'Z', threads: 3 }))?.isAlive).toBe(true);
    expect(parseStat(stat({ state: 'D' }))?.isAlive).toBe(true);
  });

  it('leaves out kernel threads and refuses rubbish', () => {
    expect(parseStat(stat({ flags: 0x0020_8040 }))).toBeNull();
    for (const text of ['', '42', '42 (sh', '42 (sh) S 1 2', 'x (sh) S']) expect(parseStat(text)).toBeNull();
  });
});

describe('the running host', () => {
  it('lists this process with its parent', () => {
    const self = listProcesses().find((one) => one.pid === process.pid);
    expect(self).toMatchObject({ ppid: process.ppid, isAlive: true });
    expect(readProcess(2 ** 30)).toBeNull();
  });

  it('tells a zombie from a living process, and its identity from that of a reused pid', async () => {
    const child = spawn('sh', ['-c', 'sleep 600 & exec sleep 600'], { detached: true });
    try {
      const identity = identityOf(child.pid ?? 0);
      if (identity === null) throw new Error('no identity');
      expect(isRunning(identity)).toBe(true);
      expect(isRunning({ ...identity, startTicks: identity.startTicks - 1 })).toBe(false);
      expect(isRunning({ ...identity, bootId: 'another' })).toBe(false);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      process.kill(-identity.pid, 'SIGKILL');
      await gone;
      expect(isRunning(identity)).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('finds a whole environment entry, not a part of one', async () => {
    const child = spawn('sleep', ['600'], { env: { FIRST: '1', MARK: 'abc', LAST: 'x' } });
    try {
      await new Promise((resolve) => child.once('spawn', resolve));
      const pid = child.pid ?? 0;
      for (const entry of ['FIRST=1', 'MARK=abc', 'LAST=x']) expect(hasEnvironmentEntry(pid, entry)).toBe(true);
      for (const entry of ['MARK=ab', 'ARK=abc', 'MARK']) expect(hasEnvironmentEntry(pid, entry)).toBe(false);
      expect(hasEnvironmentEntry(2 ** 30, 'FIRST=1')).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('has a name for the machine and for the boot', () => {
    expect(readMachineId()).toMatch(/^[0-9a-f-]{32,36}$/);
    expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});
