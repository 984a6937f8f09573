import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { RankTimes } from '../../../src/domain/gang/pace.js';
import { readRankTimes } from '../../../src/host/processes/rank-times.js';
import type { KeeperRecord } from '../../../src/schemas/keeper.js';
import { until } from '../keeper/helpers.js';

/** A record whose command is this process: what it starts are its ranks. */
const RECORD: KeeperRecord = {
  v: 1,
  id: 'a',
  state: 'running',
  keeper: { pid: process.pid, startTicks: 0, bootId: 'b' },
  child: { pid: process.pid, startTicks: 0 },
  sessions: [],
  startedAt: '2026-01-05T08:00:00.000Z',
  socketPath: '/s',
  lastContactAt: '2026-01-05T08:00:00.000Z',
};

describe('the times of ranks', () => {
  it('tell by rank who works, who waits, and who is stopped', async () => {
    const rank = (number: number, ...argv: readonly string[]): ChildProcess =>
      spawn('/bin/sh', ['-c', argv.join(' ')], { detached: true, stdio: 'ignore', env: { RANK: String(number) } });
    const ranks = [rank(4, 'while :; do :; done'), rank(5, 'exec sleep 60'), rank(6, 'exec sleep 60')];
    // In the session of this process: a helper of the launcher, not a rank.
    const helper = spawn('sleep', ['60'], { stdio: 'ignore' });
    const look = (): Map<number | null, RankTimes> =>
      new Map([...readRankTimes(RECORD).values()].map((times) => [times.rank, times]));
    try {
      ranks[2]?.kill('SIGSTOP');
      await until(() => (look().get(4)?.workedMs ?? 0) >= 50 && look().get(6)?.isStuck === true);
      const times = look();
      expect(new Set(times.keys())).toEqual(new Set([4, 5, 6]));
      expect(times.get(5)).toMatchObject({ isStuck: false, workedMs: expect.toSatisfy((ms: number) => ms < 50) });
      expect(times.get(4)?.queuedMs).toBeGreaterThanOrEqual(0);
      expect([...readRankTimes({ ...RECORD, child: null }).keys()]).toEqual([]);
    } finally {
      for (const child of [...ranks, helper]) child.kill('SIGKILL');
      for (const child of [...ranks, helper])
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });
});
