import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietWorkers } from '../e2e/support/quiet.js';
import { expectClean, failing, found, incidentsOf, reasonOf } from './support/gang.js';
import { openSite, TIMING, type Fleet, type Site } from './support/site.js';
import { World } from './support/world.js';

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('loss');
});
afterAll(() => site.stop());

const RECOVERY = { maxRestartsWithoutProgress: 3, spareWaitMs: 30_000, onUnknown: 'restart' as const };

describe('a gang that loses a host', { timeout: 120_000 }, () => {
  it('goes on with a spare once the fence of the lost host has passed, and the host is good again when it is back', async () => {
    const lostAt: number[] = [];
    const startedAt: number[] = [];
    let fleet: Fleet | null = null;
    const world = new World([
      async (attempt) => {
        lostAt.push(Date.now());
        await fleet?.lose('h2');
        attempt.fail('h1', found('h1', 'peer-lost', { isCascade: true }));
      },
      (attempt) => {
        startedAt.push(Date.now());
        attempt.finish();
      },
    ]);
    fleet = await site.open(world, ['h1', 'h2', 'h3']);
    await (await fleet.train({ spares: 1 })).result();
    expect(world.attempts.map(({ hosts }) => hosts)).toEqual([
      ['h1', 'h2'],
      ['h1', 'h3'],
    ]);
    expect(incidentsOf(world)).toMatchObject([
      {
        reaction: 'replace-host',
        verdict: { cause: 'host-lost', host: 'h2' },
        hosts: [
          { host: 'h1', state: 'stopped' },
          { host: 'h2', state: 'lost' },
        ],
      },
    ]);
    // Its keeper may have run on until it missed the workspace for this long.
    expect((startedAt[0] ?? 0) - (lostAt[0] ?? 0)).toBeGreaterThanOrEqual(TIMING.fenceTimeoutMs);
    expect((await fleet.state()).setAside).toMatchObject([{ host: 'h2', kind: 'unobserved' }]);
    await fleet.add('h2');
    expect((await fleet.state()).setAside).toBeUndefined();
    await expectClean(fleet);
  });

  it('waits for a host when there is no spare', async () => {
    let fleet: Fleet | null = null;
    const world = new World([
      async (attempt) => {
        await fleet?.lose('h2');
        attempt.fail('h1', {});
      },
    ]);
    fleet = await site.open(world, ['h1', 'h2']);
    const handle = await fleet.train({ recovery: RECOVERY });
    await expect.poll(async () => (await fleet?.state())?.waiting, { timeout: 60_000 }).toMatchObject([{ count: 2 }]);
    await fleet.add('h4');
    await handle.result();
    expect(world.attempts.map(({ hosts }) => hosts)).toEqual([
      ['h1', 'h2'],
      ['h1', 'h4'],
    ]);
    await expectClean(fleet);
  });

  it('parks when no host came in time, and holds none', async () => {
    let fleet: Fleet | null = null;
    const world = new World([
      async (attempt) => {
        await fleet?.lose('h2');
        attempt.fail('h1', {});
      },
    ]);
    fleet = await site.open(world, ['h1', 'h2']);
    const reason = await reasonOf((await fleet.train({ recovery: { ...RECOVERY, spareWaitMs: 1_000 } })).result());
    expect(reason).toMatchObject({
      code: 'HostLost',
      where: 'h2',
      what: expect.stringContaining('no host came to replace h2'),
    });
    await expect.poll(async () => (await fleet?.state())?.waiting).toEqual([]);
    await expectClean(fleet);
  });

  it('of one host starts on a spare only when the old one saw the new fence, or missed the workspace for so long', async () => {
    const openedAt: number[] = [];
    const startedAt: number[] = [];
    let fleet: Fleet | null = null;
    const world = new World([
      async () => fleet?.lose('h1'),
      (attempt) => {
        startedAt.push(Date.now());
        attempt.finish();
      },
    ]);
    fleet = await site.open(world, ['h1', 'h2']);
    const training = (await fleet.train({ hosts: 1, spares: 1, recovery: RECOVERY })).result();
    await expect.poll(() => world.attempts.length, { timeout: 60_000, interval: 20 }).toBe(2);
    openedAt.push(Date.now());
    await training;
    expect(world.attempts.map(({ hosts }) => hosts)).toEqual([['h1'], ['h2']]);
    expect(startedAt).toHaveLength(1);
    // 100 ms: what the look at the attempts may have come late.
    expect((startedAt[0] ?? 0) - (openedAt[0] ?? 0)).toBeGreaterThanOrEqual(TIMING.fenceTimeoutMs - 100);
    await expectClean(fleet);
  });

  it('quarantines a host whose processes survive SIGKILL, for a person to take back', async () => {
    const world = new World([
      (attempt) => {
        attempt.world.evidence.set('h2', { unkillable: [4711] });
        attempt.fail('h1', found('h1', 'rank-killed'));
      },
    ]);
    const fleet = await site.open(world, ['h1', 'h2', 'h3']);
    await (await fleet.train()).result();
    expect(world.attempts.map(({ hosts }) => hosts)).toEqual([
      ['h1', 'h2'],
      ['h1', 'h3'],
    ]);
    await fleet.announce('h2');
    expect((await fleet.state()).setAside).toMatchObject([{ host: 'h2', kind: 'unfit' }]);
    await site.client.workflow.getHandle(`temper/${fleet.name}/fleet`).signal('takeHostBack', { v: 1, host: 'h2' });
    await expect.poll(async () => (await fleet.state()).setAside).toBeUndefined();
    await expectClean(fleet);
  });

  it('can be cancelled while it waits for a host, and its place in the queue is free', async () => {
    let fleet: Fleet | null = null;
    // It fails when the test says so: no host may be free by then.
    const failures: (() => void | Promise<void>)[] = [];
    const world = new World([
      (attempt) => void failures.push(() => failing('h2', 'host-lost', { reaction: 'replace-host' })(attempt)),
    ]);
    fleet = await site.open(world, ['h1', 'h2']);
    const setAside = (host: string): Promise<void> =>
      site.client.workflow
        .getHandle(`temper/${fleet?.name}/fleet`)
        .signal('setHostAside', { v: 1, host, kind: 'cordoned', reason: 'test', at: '' });
    await setAside('h1');
    await fleet.add('h3');
    const handle = await fleet.train({ recovery: RECOVERY });
    await expect.poll(() => failures.length, { timeout: 30_000 }).toBe(1);
    await setAside('h3');
    await expect.poll(async () => (await fleet?.state())?.setAside?.length, { timeout: 30_000 }).toBe(2);
    for (const fail of failures) await fail();
    await expect.poll(async () => (await fleet?.state())?.waiting.length, { timeout: 30_000 }).toBe(1);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await expect.poll(async () => (await fleet?.state())?.waiting).toEqual([]);
    await expectClean(fleet);
  });
});
