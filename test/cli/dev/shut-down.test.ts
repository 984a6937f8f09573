import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/schemas/problem.js';
import { fakeServer } from '../../client/fake.js';
import { isOnlyStopped, stopOpenRuns, stopping } from '../../../src/cli/dev/shut-down.js';

describe('what is told when runs are stopped', () => {
  it.each([
    [['tiny'], 'tiny', 'stopping tiny; the next start continues it'],
    [['tiny'], null, 'stopping tiny; after the next start temper resume tiny continues it'],
    [['a', 'b'], null, 'stopping a, b; after the next start temper resume a, temper resume b continues a, b'],
    [['a', 'b'], 'b', 'stopping a, b; the next start continues b; after the next start temper resume a continues a'],
  ])('%j, the same command continues %j', (runs, continued, expected) => {
    expect(
      stopping(
        runs.map((run) => ({ run })),
        continued,
      ),
    ).toBe(`${expected} (Ctrl-C again: at once)`);
  });
});

const RETRAIN = 'temper/retrain/nightly-2026-11-27T02:00:00Z';

describe('a run of a schedule', () => {
  it('is cancelled when dev is stopped, and told so, while others are paused', async () => {
    const server = fakeServer({
      'temper/run/tiny': { status: 'RUNNING' },
      'temper/run/nightly-1': { status: 'RUNNING', startedMs: -1, parent: RETRAIN, endsWhenAsked: true },
    });
    const told: string[] = [];
    await stopOpenRuns(server.client, 'tiny', new AbortController().signal, (text) => told.push(text));
    expect(server.asked).toMatchObject([{ name: 'pauseRun' }]);
    expect(server.cancelled).toEqual([
      { id: 'temper/run/nightly-1', identity: 'temper dev', reason: 'temper dev was stopped' },
    ]);
    expect(told).toEqual([
      'stopping tiny, nightly-1; the next start continues tiny; nightly-1 is cancelled, as runs of a schedule cannot be paused: after the next start temper schedule trigger nightly trains again and reuses what is finished (Ctrl-C again: at once)',
    ]);
  });
});

describe('a retrain whose run is over', () => {
  const memo = (over: object) => ({
    temperRetrain: { ...{ v: 1, state: 'running', phase: 'evaluating', run: 'nightly-1', reason: null }, ...over },
  });
  const end = async (of: object): Promise<{ server: ReturnType<typeof fakeServer>; told: string[] }> => {
    const retrain = { status: 'RUNNING', startedMs: -1, endsWhenAsked: true, memo: memo(of) };
    const server = fakeServer({ [RETRAIN]: retrain, 'temper/run/nightly-1': { status: 'COMPLETED', parent: RETRAIN } });
    const told: string[] = [];
    await stopOpenRuns(server.client, null, new AbortController().signal, (text) => told.push(text));
    return { server, told };
  };

  it('is cancelled while it measures, whose end would be a failure and pause the schedule', async () => {
    const { server, told } = await end({});
    expect(server.cancelled).toEqual([{ id: RETRAIN, identity: 'temper dev', reason: 'temper dev was stopped' }]);
    expect(told).toEqual([
      'cancelling the retrain of nightly-1, whose measurement cannot be paused; after the next start temper schedule trigger nightly does it again and reuses what is finished',
    ]);
  });

  it('is left alone while it waits for a person, and told so', async () => {
    const { server, told } = await end({ state: 'approval', phase: 'waiting for temper approve nightly-1' });
    expect(server.cancelled).toEqual([]);
    expect(told).toEqual(['nightly-1 still waits for temper approve nightly-1 after the next start; its time runs on']);
  });

  it('is left alone while it looks at its inputs: that is done again by itself', async () => {
    const { server, told } = await end({ phase: 'resolving', run: null });
    expect([server.cancelled, told]).toEqual([[], []]);
  });
});

describe('a run of a fleet that dev has no workers for', () => {
  it('is told of, and not said to be ended', async () => {
    const server = fakeServer({ 'temper/run/far': { status: 'RUNNING', update: 'not taken' } });
    const told: string[] = [];
    await stopOpenRuns(server.client, null, new AbortController().signal, (text) => told.push(text));
    expect(told.slice(1)).toEqual(['not stopped here: far; only workers of the fleet lab could']);
  });
});

describe('a run that waits', () => {
  const status = (code: string, what: string, state: 'blocked' | 'failed' = 'blocked') => ({
    state,
    problem: problem(code, what),
  });
  it.each([
    ['that was paused by the end of dev', status('Paused', 'stopped on request: temper dev was stopped'), true],
    ['whose command dev ended', status('CommandStopped', 'probe was stopped: temper dev was stopped'), true],
    ['that a person paused', status('Paused', 'stopped on request: paused by temper pause'), false],
    ['that failed', status('CommandFailed', 'probe ended with exit status 1'), false],
    ['that has ended', status('Paused', 'stopped on request: temper dev was stopped', 'failed'), false],
    ['for no reason that is known', { state: 'blocked' as const, problem: null }, false],
  ])('%s', (_name, given, expected) => {
    expect(isOnlyStopped(given)).toBe(expected);
  });
});

function problem(code: string, what: string): Problem {
  return { code, what, fix: '', retryable: false };
}
