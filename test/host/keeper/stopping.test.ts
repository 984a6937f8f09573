import { describe, expect, it } from 'vitest';
import { ensureKeeper } from '../../../src/host/keeper/client.js';
import { fixture, isAlive, printedNumbers, read, request, sh, until, useKeeperBench } from './helpers.js';

const bench = useKeeperBench();

async function start(...args: Parameters<typeof request>) {
  return ensureKeeper(bench.scratch(), bench.bundle(), request(...args));
}

describe('stopping a kept command', () => {
  it('ends one that obeys TERM long before its grace is over', async () => {
    const keeper = await start(['sleep', '600']);
    await keeper.stop({ reason: 'cancelled', graceMs: 60_000 });
    const exit = await keeper.waitForExit();
    expect(exit).toMatchObject({
      code: null,
      signal: 'SIGTERM',
      stop: { requestedBy: 'client', reason: 'cancelled', isForced: false },
    });
    expect(Date.parse(exit.endedAt) - Date.parse(exit.stop?.at ?? '')).toBeLessThan(10_000);
  });

  it('kills one that ignores TERM, after the grace', async () => {
    const keeper = await start(fixture('ignore-term.py'));
    await until(() => read(keeper.paths.stdout).includes('ready'));
    await keeper.stop({ reason: 'cancelled', graceMs: 400 });
    expect(await keeper.status()).toMatchObject({ state: 'stopping', stop: { reason: 'cancelled' } });
    const exit = await keeper.waitForExit();
    expect(exit).toMatchObject({ signal: 'SIGKILL', stop: { isForced: true }, unkillable: [] });
    expect(Date.parse(exit.endedAt) - Date.parse(exit.stop?.at ?? '')).toBeGreaterThanOrEqual(390);
  });

  it('keeps the first reason, and lets a second stop only shorten the grace', async () => {
    const keeper = await start(fixture('ignore-term.py'));
    await until(() => read(keeper.paths.stdout).includes('ready'));
    await keeper.stop({ reason: 'first', graceMs: 600_000 });
    await keeper.stop({ reason: 'second', graceMs: 0 });
    await keeper.stop({ reason: 'third', graceMs: 600_000 });
    expect(await keeper.waitForExit()).toMatchObject({ signal: 'SIGKILL', stop: { reason: 'first' } });
  });

  it.each(['wait', 'bare'])('sweeps ranks in sessions of their own (%s)', async (mode) => {
    const keeper = await start(fixture('ranks.py', '4', mode));
    const ranks = await printedNumbers(keeper.paths.stdout, 4);
    expect(ranks.every(isAlive)).toBe(true);
    await keeper.stop({ reason: 'cancelled' });
    expect(await keeper.waitForExit()).toMatchObject({ unkillable: [] });
    expect(ranks.filter(isAlive)).toEqual([]);
  });

  it('gives a stopped process (SIGSTOP) its TERM', async () => {
    const keeper = await start(sh('trap "exit 5" TERM; echo $$; while :; do sleep 0.05; done'));
    const [pid = 0] = await printedNumbers(keeper.paths.stdout, 1);
    process.kill(pid, 'SIGSTOP');
    await keeper.stop({ reason: 'cancelled' });
    expect(await keeper.waitForExit()).toMatchObject({ code: 5, stop: { isForced: false } });
  });

  it('stops when the keeper itself gets TERM', async () => {
    const keeper = await start(['sleep', '600']);
    const status = await keeper.status();
    if (status.state !== 'running') throw new Error(status.state);
    process.kill(status.record.keeper.pid, 'SIGTERM');
    expect(await keeper.waitForExit()).toMatchObject({ stop: { requestedBy: 'signal' } });
  });

  it('has no effect on a command that ended', async () => {
    const keeper = await start(sh('exit 4'));
    const exit = await keeper.waitForExit();
    await keeper.stop({ reason: 'too late' });
    expect(await keeper.waitForExit()).toEqual(exit);
  });
});

describe('what a command leaves behind when it ends by itself', () => {
  it('ranks are swept before the exit is told', async () => {
    const keeper = await start(fixture('ranks.py', '3', 'leave'));
    const exit = await keeper.waitForExit();
    const ranks = await printedNumbers(keeper.paths.stdout, 3);
    expect(exit).toMatchObject({ code: 3, stop: null, unkillable: [] });
    expect(ranks.filter(isAlive)).toEqual([]);
  });

  it('a daemon without parent is found by its marker', async () => {
    const keeper = await start(fixture('daemon.py'));
    const exit = await keeper.waitForExit();
    const [daemon = 0] = await printedNumbers(keeper.paths.stdout, 1);
    expect(exit).toMatchObject({ code: 0, stop: null });
    expect(isAlive(daemon)).toBe(false);
  });
});

describe('the orphan timeout', () => {
  it('stops a command that nobody asks for', async () => {
    const keeper = await start(['sleep', '600'], { orphanTimeoutMs: 500 });
    await until(() => read(keeper.paths.exit) !== '', 'exit.json without any contact');
    expect(await keeper.waitForExit()).toMatchObject({ stop: { requestedBy: 'keeper', reason: 'orphaned' } });
  });

  it('does not count while somebody asks', async () => {
    const keeper = await start(sh('sleep 2.5; exit 9'), { orphanTimeoutMs: 1_500 });
    expect(await keeper.waitForExit({ pollMs: 200 })).toMatchObject({ code: 9, stop: null });
  });
});
