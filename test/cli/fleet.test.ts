import { describe, expect, it } from 'vitest';
import type { RecoverRequest } from '../../src/client/recover.js';
import type { FleetState } from '../../src/schemas/host.js';
import type { RecoveryAnswer } from '../../src/schemas/recovery.js';
import { temper } from './support.js';

const FLEET: FleetState = {
  v: 1,
  hosts: ['h1', 'h2'].map((name) => ({
    ...{ v: 1 as const, name, machineId: 'm', pid: 1, address: '10.0.0.1', labels: [], scratch: '/s' },
    startedAt: new Date().toISOString(),
  })),
  leases: [{ lease: 3, owner: 'temper/run/tiny/train', hosts: ['h1'] }],
  waiting: [],
  setAside: [{ host: 'h1', kind: 'cordoned', reason: 'new cable' }],
};

describe('temper cordon and uncordon', () => {
  it('say which hosts are set aside and why', async () => {
    const asked: unknown[] = [];
    const cordonHost = (...call: unknown[]) => Promise.resolve((asked.push(call), FLEET));
    const { status, stdout } = await temper(['cordon', 'h1', '--reason', ' new cable '], { runs: { cordonHost } });
    expect(status).toBe(0);
    expect(asked).toEqual([['default', 'h1', 'new cable']]);
    expect(stdout).toMatch(/h1 +10\.0\.0\.1 +- +lease 3, cordoned/);
    expect(stdout).toMatch(/h2 +10\.0\.0\.1 +- +free/);
    expect(stdout).toContain('h1 is set aside (cordoned): new cable; temper uncordon h1 takes it back');
  });

  it.each([[['cordon', 'h1']], [['cordon', 'h1', '--reason', ' ']], [['cordon', 'h1', '--reason', 'x'.repeat(201)]]])(
    'want a reason: %j',
    async (argv) => {
      expect((await temper(argv)).status).toBe(2);
    },
  );

  it('take a host back', async () => {
    const { setAside: _gone, ...rest } = FLEET;
    const uncordonHost = (fleet: string, host: string) =>
      Promise.resolve({ ...rest, waiting: [{ owner: `${fleet}/${host}`, count: 1 }] });
    const { stdout } = await temper(['uncordon', 'h1', '--fleet', 'lab'], { runs: { uncordonHost } });
    expect(stdout).toContain('waiting: lab/h1 for 1 host');
    expect(stdout).not.toContain('set aside');
  });
});

describe('temper recover', () => {
  const answer: RecoveryAnswer = {
    v: 1,
    run: 'tiny',
    recovered: false,
    survey: {
      ...{ v: 1, run: 'tiny', workspace: '/w', host: 'h1', fleet: 'lab', recipe: 'simulated', specDigest: 'd' },
      request: { v: 1, from: null, until: 'train', onFailure: 'park', startedAt: '2026-11-26T10:00:00.000Z' },
      stages: [
        { name: 'weights', isDone: true, at: '2026-11-26T10:00:00.000Z' },
        { name: 'train', isDone: false, at: null },
      ],
      attempt: { number: 2, hosts: ['h1', 'h2'], loadIteration: 50, at: '2026-11-26T10:10:00.000Z' },
      checkpoint: { iteration: 100, attempt: 2 },
      iterations: 200,
      incidents: 1,
    },
    hosts: [
      { host: 'h1', isReached: true, running: ['tiny.train.h00.2-0badcafe'] },
      { host: 'h2', isReached: false, running: [] },
    ],
    stopped: [],
  };

  it('says what is there and what will happen', async () => {
    const asked: RecoverRequest[] = [];
    const recoverRun = (request: RecoverRequest) => Promise.resolve((asked.push(request), answer));
    const { status, stdout } = await temper(['recover', 'tiny', '--workspace', 'w', '--fleet', 'lab', '--dry-run'], {
      runs: { recoverRun },
      cwd: '/here',
    });
    expect(status).toBe(0);
    expect(asked).toMatchObject([{ run: 'tiny', workspace: '/here/w', fleet: 'lab', isDry: true }]);
    expect(stdout).toMatch(/weights +reused/);
    expect(stdout).toMatch(/train +will run/);
    expect(stdout).toContain('it goes on from iteration 100 of 200, proven in attempt 2');
    expect(stdout).toContain('h1 runs tiny.train.h00.2-0badcafe: will be stopped');
    expect(stdout).toContain('h2 did not answer');
    expect(stdout).toContain('it stops after the stage train');
    expect(stdout).toContain('nothing was done');
  });

  it.each([[['recover', 'tiny']], [['recover', 'tiny', '--workspace', 'w', '--spec', 's.yaml']], [['recover', 'A B']]])(
    'wants one way to the folder: %j',
    async (argv) => {
      const { status, stderr } = await temper(argv);
      expect(status).toBe(2);
      expect(stderr).toContain('error[UsageInvalid]');
    },
  );
});
