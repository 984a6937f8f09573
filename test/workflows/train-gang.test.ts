import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problem } from '../../src/domain/errors.js';
import { expectClean, failing, found, incidentsOf, reasonOf } from './support/gang.js';
import { openSite, type Site } from './support/site.js';
import { World } from './support/world.js';
import { quietWorkers } from '../e2e/support/quiet.js';

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('gang');
});
afterAll(() => site.stop());

const HOSTS = ['h1', 'h2', 'h3'];

describe('a gang', { timeout: 90_000 }, () => {
  it('trains to the end when nothing fails', async () => {
    const world = new World([]);
    const fleet = await site.open(world, HOSTS);
    const done = await (await fleet.train()).result();
    expect(done.facts).toEqual({ iterations: 100 });
    expect(world.attempts).toEqual([{ number: 1, hosts: ['h1', 'h2'], lease: 1, load: null }]);
    expect(world.incidents.size).toBe(0);
    expect(world.calls.filter((call) => call.startsWith('stopNode'))).toEqual([]);
    await expectClean(fleet);
  });

  it('restarts all nodes on the same hosts, from the newest proven checkpoint', async () => {
    const world = new World([failing('h2', 'rank-killed', {}, 40)]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    expect(world.attempts.map(({ hosts, load }) => ({ hosts, load }))).toEqual([
      { hosts: ['h1', 'h2'], load: null },
      { hosts: ['h1', 'h2'], load: 40 },
    ]);
    expect(world.calls).toContain('stopNode h1');
    const [incident] = incidentsOf(world);
    expect(incident).toMatchObject({
      run: `run-${fleet.name}`,
      attempt: 1,
      reaction: 'restart',
      verdict: {
        cause: 'rank-killed',
        host: 'h2',
        rank: 1,
        confidence: 'high',
        evidenceLines: ['line of rank-killed'],
      },
      hosts: [
        { host: 'h1', state: 'stopped' },
        { host: 'h2', state: 'failed' },
      ],
      lastIteration: 10,
      resumedFrom: 40,
      stepsLost: 0,
    });
    for (const ms of [incident?.detectMs, incident?.stopMs, incident?.relaunchMs, incident?.firstIterationMs]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(20_000);
    }
    await expectClean(fleet);
  });

  it('sweeps all hosts before a clean restart', async () => {
    const world = new World([failing('h1', 'port-taken', { reaction: 'clean-restart' })]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    const sweeps = ['sweepNode h1', 'sweepNode h2'].map((call) => world.calls.indexOf(call));
    expect(Math.min(...sweeps)).toBeGreaterThan(0);
    expect(Math.max(...sweeps)).toBeLessThan(world.calls.lastIndexOf('openAttempt h1'));
    expect(incidentsOf(world)).toMatchObject([{ reaction: 'clean-restart' }]);
    await expectClean(fleet);
  });

  it('never retries a wrong spec', async () => {
    const world = new World([
      failing('h1', 'bad-input', { reaction: 'stop', sentence: 'rank 0 on h1 refused its input' }),
    ]);
    const fleet = await site.open(world, HOSTS);
    const reason = await reasonOf((await fleet.train()).result());
    expect(reason).toMatchObject({ code: 'TrainingFailed', where: 'h1', what: 'rank 0 on h1 refused its input' });
    expect(world.attempts).toHaveLength(1);
    expect(incidentsOf(world)).toMatchObject([{ reaction: 'stop', resumedFrom: null, relaunchMs: null }]);
    expect(world.calls).toContain('releaseClaim h1');
    await expectClean(fleet);
  });

  it('keeps the code and the fix of a call that failed', async () => {
    const world = new World([]);
    world.refusals.set(
      'openAttempt h1',
      problem('ProofFailed', { what: 'the checkpoint to start from is torn', fix: 'name another' }),
    );
    const fleet = await site.open(world, HOSTS);
    const reason = await reasonOf((await fleet.train()).result());
    expect(reason).toMatchObject({
      code: 'ProofFailed',
      what: 'the checkpoint to start from is torn',
      fix: 'name another',
    });
    expect(incidentsOf(world)).toMatchObject([{ attempt: null, verdict: { cause: 'bad-input' } }]);
    await expectClean(fleet);
  });

  it('stops a crash loop when its restarts bring no newer checkpoint', async () => {
    const world = new World(Array.from({ length: 9 }, () => failing('h2', 'rank-crashed')));
    const fleet = await site.open(world, HOSTS);
    const recovery = { maxRestartsWithoutProgress: 2, spareWaitMs: 20_000, onUnknown: 'restart' as const };
    const reason = await reasonOf((await fleet.train({ recovery })).result());
    expect(reason.why).toContain('2 restarts brought no newer proven checkpoint');
    expect(world.attempts).toHaveLength(3);
    expect(incidentsOf(world).map(({ reaction }) => reaction)).toEqual(['restart', 'restart', 'stop']);
    await expectClean(fleet);
  });

  it('goes on for as long as newer proven checkpoints appear, without the host that failed three times', async () => {
    const hosts = ['h1', 'h2', 'h1', 'h2', 'h1'];
    const world = new World(hosts.map((host, index) => failing(host, 'exception', {}, 10 * (index + 1))));
    const fleet = await site.open(world, HOSTS);
    const recovery = { maxRestartsWithoutProgress: 1, spareWaitMs: 20_000, onUnknown: 'restart' as const };
    await (await fleet.train({ recovery })).result();
    expect(world.attempts.map(({ load }) => load)).toEqual([null, 10, 20, 30, 40, 50]);
    expect(world.attempts.map(({ hosts: [first] }) => first)).toEqual(['h1', 'h1', 'h1', 'h1', 'h1', 'h2']);
    expect(world.attempts.at(-1)).toMatchObject({ hosts: ['h2', 'h3'], lease: 2 });
    expect(incidentsOf(world).at(-1)).toMatchObject({
      reaction: 'replace-host',
      why: 'h1 failed 3 times within a day',
    });
    await expectClean(fleet);
  });

  it('stops after a failure that nobody can explain when the spec says so', async () => {
    const world = new World([(attempt) => attempt.fail('h1', {})]);
    const fleet = await site.open(world, HOSTS);
    const recovery = { maxRestartsWithoutProgress: 3, spareWaitMs: 20_000, onUnknown: 'stop' as const };
    const reason = await reasonOf((await fleet.train({ recovery })).result());
    expect(reason.why).toContain('recovery.onUnknown');
    expect(incidentsOf(world)).toMatchObject([{ verdict: { cause: 'unknown', confidence: 'low' } }]);
    await expectClean(fleet);
  });

  it('carries lease and budgets over continue-as-new', async () => {
    const world = new World(Array.from({ length: 9 }, () => failing('h2', 'rank-crashed')));
    const fleet = await site.open(world, HOSTS);
    const recovery = { maxRestartsWithoutProgress: 2, spareWaitMs: 20_000, onUnknown: 'restart' as const };
    const reason = await reasonOf((await fleet.train({ recovery, attemptsPerExecution: 1 })).result());
    expect(reason.why).toContain('2 restarts brought no newer proven checkpoint');
    expect(world.attempts.map(({ lease }) => lease)).toEqual([1, 1, 1]);
    expect(world.calls.filter((call) => call.startsWith('claimTraining'))).toHaveLength(1);
    expect(world.incidents.size).toBe(3);
    // Three executions of the gang and the fleet.
    await expect.poll(() => fleet.replay(), { timeout: 20_000 }).toBe(4);
    await expectClean(fleet);
  });

  it('ends as cancelled, with its ranks stopped, when it is cancelled while they run and while it restarts', async () => {
    const world = new World([(attempt) => attempt.fail('h1', found('h1', 'rank-killed')), (attempt) => void attempt]);
    const fleet = await site.open(world, HOSTS);
    const handle = await fleet.train();
    await expect.poll(() => world.attempts.length, { timeout: 20_000 }).toBe(2);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(world.calls.slice(world.calls.lastIndexOf('openAttempt h1'))).toEqual(
      expect.arrayContaining(['releaseClaim h1']),
    );
    await expectClean(fleet);
  });

  it('names the host that the others waited for, also as evidence of a stall that another host saw', async () => {
    const pace = { rank: 0, worked: 0.05, queued: 0, stuck: 0, typical: 0.05, spanMs: 30_000 };
    const world = new World([
      (attempt) => {
        world.evidence.set('h2', { pace: { ...pace, rank: 1, stuck: 1, typical: 0.1 } });
        attempt.fail('h1', { ...found('h1', 'stalled'), pace });
      },
    ]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    const sentence =
      'the others wait for rank 1 on h2: of the last 30 s it spent 5 % working, 100 % stopped or waiting for a disk; usual is 5 %';
    expect(incidentsOf(world)).toMatchObject([
      {
        slow: [{ host: 'h2', rank: 1, sentence }],
        verdict: { cause: 'stalled', host: 'h1', evidenceLines: [sentence, 'line of stalled'] },
      },
    ]);
    await expectClean(fleet);
  });
});
