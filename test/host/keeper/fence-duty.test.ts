import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fenceDuty } from '../../../src/host/keeper/fence-duty.js';
import { KeptCommand } from '../../../src/host/keeper/kept-command.js';
import type { Look } from '../../../src/host/keeper/look.js';
import { keeperPaths } from '../../../src/host/keeper/paths.js';

const FENCE = { file: '/ws/fence', attempt: 3, lease: 1, everyMs: 100, timeoutMs: 1_000 };
const REQUEST = {
  id: 'one',
  argv: ['true'],
  cwd: '/',
  env: {},
  graceMs: 60_000,
  orphanTimeoutMs: 0,
  killDeadlineMs: 1,
};

/** A duty whose looks the test answers, on a monotonic clock that the test moves. */
function bench() {
  const command = new KeptCommand({ ...REQUEST, rankLogs: undefined }, keeperPaths('/nowhere'), '/nowhere/socket');
  const asked: ((look: Look) => void)[] = [];
  const logged: string[] = [];
  const looker = {
    look: () => new Promise<Look>((resolve) => asked.push(resolve)),
    close: async () => undefined,
  };
  const duty = fenceDuty(FENCE, looker, (text) => logged.push(text));
  return {
    duty,
    command,
    asked,
    logged,
    /** Moves the clock, performs the duty once, and lets it judge. */
    async pass(ms: number) {
      vi.advanceTimersByTime(ms);
      duty.perform(command);
      await nextTurn();
    },
    async answer(look: Look) {
      asked.shift()?.(look);
      await nextTurn();
    },
    reason: () => command.status().stop?.reason ?? null,
  };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'Date'], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('the duty of looking at the fence', () => {
  it('asks again only after the interval, and never while a look is outstanding', async () => {
    const { pass, answer, asked } = bench();
    await pass(0);
    await pass(500);
    expect(asked).toHaveLength(1);
    await answer({ kind: 'read', attempt: 3 });
    await pass(10);
    expect(asked).toHaveLength(1);
    await answer({ kind: 'read', attempt: null });
    await pass(50);
    expect(asked).toHaveLength(0);
    await pass(50);
    expect(asked).toHaveLength(1);
  });

  it('judges by the monotonic clock, wherever the clock of the host jumps', async () => {
    const { pass, reason } = bench();
    await pass(0);
    vi.setSystemTime(1_000_000 + 86_400_000);
    await pass(500);
    expect(reason()).toBeNull();
    vi.setSystemTime(0);
    await pass(499);
    expect(reason()).toBeNull();
    await pass(1);
    expect(reason()).toBe('workspace-lost');
  });

  it('counts from the first look without a good answer: errors and silence together', async () => {
    const { pass, answer, reason, logged } = bench();
    for (let ms = 0; ms < 1_000; ms += 100) {
      await pass(ms === 0 ? 0 : 100);
      expect(reason()).toBeNull();
      await answer({ kind: 'unreadable', why: 'EIO' });
    }
    await pass(100);
    expect(reason()).toBe('workspace-lost');
    expect(logged).toEqual(['the workspace cannot be read: EIO', '/ws/fence could not be read for 1000 ms: EIO']);
  });

  it('begins to count anew after a good look', async () => {
    const { pass, answer, reason } = bench();
    await pass(0);
    await pass(900);
    await answer({ kind: 'read', attempt: 2 });
    await pass(900);
    await pass(900);
    expect(reason()).toBeNull();
    await pass(100);
    expect(reason()).toBe('workspace-lost');
  });

  it('takes an answer that came while the keeper was stopped before it judges', async () => {
    const { duty, command, answer, reason } = bench();
    duty.perform(command);
    vi.advanceTimersByTime(60_000);
    // As after SIGCONT: the timer first, then what lies in the pipe, then the judgement.
    duty.perform(command);
    await answer({ kind: 'read', attempt: 3 });
    await nextTurn();
    expect(reason()).toBeNull();
  });

  it('stops with a grace of a tenth of the timeout for a later attempt only', async () => {
    const { pass, answer, command, reason } = bench();
    const stop = vi.spyOn(command, 'requestStop');
    await pass(0);
    await answer({ kind: 'read', attempt: 3 });
    expect(reason()).toBeNull();
    await pass(100);
    await answer({ kind: 'read', attempt: 4 });
    expect(stop.mock.calls).toEqual([[{ requestedBy: 'keeper', reason: 'fenced', graceMs: 100 }]]);
  });
});
