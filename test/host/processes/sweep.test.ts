import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../../../src/host/processes/identity.js';
import type { ProcessInfo } from '../../../src/host/processes/proc.js';
import { readProcess } from '../../../src/host/processes/proc.js';
import { sendSignal, sweep } from '../../../src/host/processes/sweep.js';
import { createTracker } from '../../../src/host/processes/tracker.js';

/** A host whose processes answer signals as told: `TERM` or `KILL` ends them, `none` survives all. */
function simulate(endings: Readonly<Record<number, 'TERM' | 'KILL' | 'none'>>) {
  const alive = new Map(Object.keys(endings).map((pid) => [Number(pid), endings[Number(pid)]]));
  const sent: string[] = [];
  const row = (pid: number): ProcessInfo => ({
    pid,
    ppid: 1,
    session: pid,
    state: 'D',
    startTicks: pid,
    isAlive: true,
  });
  const tracker = createTracker({
    marker: 'NO_SUCH=marker',
    roots: [...alive.keys()].map((pid) => ({ pid, startTicks: pid })),
    list: () => [...alive.keys()].map(row),
  });
  const send = (target: ProcessInfo, signal: NodeJS.Signals): void => {
    sent.push(`${signal} ${target.pid}`);
    if (signal === `SIG${alive.get(target.pid)}`) alive.delete(target.pid);
  };
  return { tracker, send, sent };
}

// Above any pid of a real host (pid_max is at most 2^22), so that nothing real is looked at.
const A = 5_000_001;
const B = 5_000_002;
const C = 5_000_003;

describe('sweep', () => {
  it('sends each process TERM once, KILL only to what is left after the grace', async () => {
    const { tracker, send, sent } = simulate({ [A]: 'TERM', [B]: 'KILL' });
    const endsAt = performance.now() + 100;
    const result = await sweep(tracker, { graceEndsAt: () => endsAt, killDeadlineMs: 60_000, send });
    expect(performance.now()).toBeGreaterThanOrEqual(endsAt - 1);
    expect(result).toEqual({ signalled: 2, isForced: true, unkillable: [] });
    expect(sent.filter((one) => one.startsWith('SIGTERM'))).toEqual([`SIGTERM ${A}`, `SIGTERM ${B}`]);
    expect(sent.filter((one) => one.startsWith('SIGKILL'))).toEqual([`SIGKILL ${B}`]);
  });

  it('reports what survives KILL at the deadline, and does not wait for it any longer', async () => {
    const { tracker, send } = simulate({ [A]: 'KILL', [C]: 'none' });
    const began = performance.now();
    const result = await sweep(tracker, { graceEndsAt: () => began, killDeadlineMs: 200, send });
    expect(result).toEqual({ signalled: 2, isForced: true, unkillable: [C] });
    expect(performance.now() - began).toBeGreaterThanOrEqual(200);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('ends at once when there is nothing', async () => {
    const { tracker, send } = simulate({});
    const result = await sweep(tracker, { graceEndsAt: () => Infinity, killDeadlineMs: 60_000, send });
    expect(result).toEqual({ signalled: 0, isForced: false, unkillable: [] });
  });

  it('holds a proof open for a young process that cannot be judged, but not for ever', async () => {
    const stuck: ProcessInfo = { pid: A, ppid: 1, session: A, state: 'D', startTicks: 9, isAlive: true };
    const tracker = createTracker({ marker: 'NO_SUCH=marker', roots: [], sinceTicks: 5, list: () => [stuck] });
    const began = performance.now();
    expect(await sweep(tracker, { graceEndsAt: () => began, killDeadlineMs: 60_000 })).toMatchObject({ signalled: 0 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(2_000);
    const older = createTracker({ marker: 'NO_SUCH=marker', roots: [], sinceTicks: 10, list: () => [stuck] });
    expect(older.scan()).toEqual({ targets: [], unjudged: 0 });
  });

  it('finds a real process by its marker alone, and never the caller', async () => {
    const marker = `TEMPER_SWEEP_TEST=${process.pid}`;
    const child = spawn('sleep', ['600'], { env: { TEMPER_SWEEP_TEST: String(process.pid) } });
    const gone = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const self = { pid: process.pid, startTicks: readProcess(process.pid)?.startTicks ?? 0 };
    const tracker = createTracker({ marker, roots: [self] });
    const endsAt = performance.now() + 10_000;
    await sweep(tracker, { graceEndsAt: () => endsAt, killDeadlineMs: 10_000 });
    expect(await gone).toBe('SIGTERM');
  });
});

describe('the tracker', () => {
  it('remembers a session after its leader, parent and marker are gone, until it is empty', () => {
    const row = (pid: number, ppid: number, session: number): ProcessInfo => ({
      pid,
      ppid,
      session,
      state: 'D',
      startTicks: pid,
      isAlive: true,
    });
    let now: readonly ProcessInfo[] = [row(A, 1, A), row(B, A, B)];
    const tracker = createTracker({ marker: 'NO=marker', roots: [{ pid: A, startTicks: A }], list: () => now });
    expect(tracker.scan().targets.map((one) => one.pid)).toEqual([A, B]);
    expect(tracker.sessionLeaders()).toEqual([A, B].map((pid) => ({ pid, startTicks: pid })));
    now = [row(C, 1, B)];
    expect(tracker.scan().targets.map((one) => one.pid)).toEqual([C]);
    now = [];
    expect(tracker.scan().targets).toEqual([]);
    now = [row(C, 1, B)];
    expect(tracker.scan().targets).toEqual([]);
  });
});

describe('sendSignal', () => {
  it('leaves alone a process that is not the one that was seen', async () => {
    const child = spawn('sleep', ['600']);
    const gone = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const seen = identityOf(child.pid ?? 0);
    if (seen === null) throw new Error('no child');
    sendSignal({ ...seen, startTicks: seen.startTicks - 1 }, 'SIGKILL');
    sendSignal(seen, 'SIGTERM');
    expect(await gone).toBe('SIGTERM');
  });
});
