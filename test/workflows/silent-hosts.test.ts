import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietWorkers } from '../e2e/support/quiet.js';
import { expectClean } from './support/gang.js';
import { openSite, TIMING, type Fleet, type Site } from './support/site.js';
import { World } from './support/world.js';

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('silent');
});
afterAll(() => site.stop());

const RECOVERY = { maxRestartsWithoutProgress: 3, spareWaitMs: 30_000, onUnknown: 'restart' as const };

describe('a gang whose hosts fall silent', { timeout: 120_000 }, () => {
  it('waits for its only host longer than for a spare, since nobody can tell that it does not train', async () => {
    let fleet: Fleet | null = null;
    const world = new World([
      async () => {
        await fleet?.lose('h1');
        await new Promise((resolve) => setTimeout(resolve, TIMING.scheduleToStartMs + 3 * TIMING.probeTimeoutMs));
        await fleet?.add('h1');
      },
      (attempt) => attempt.finish(),
    ]);
    fleet = await site.open(world, ['h1']);
    await (await fleet.train({ hosts: 1, recovery: { ...RECOVERY, spareWaitMs: 1_000 } })).result();
    expect(world.attempts).toHaveLength(1);
    expect(world.incidents.size).toBe(0);
    await expectClean(fleet);
  });

  it('fills no history while its hosts are silent, and hears them the moment that they are back', async () => {
    let fleet: Fleet | null = null;
    let backAt = 0;
    // A probe every 100 ms, if nothing grew.
    const timing = { ...TIMING, probeTimeoutMs: 400 };
    const silentMs = 25_000;
    const world = new World([
      async () => {
        await Promise.all([fleet?.lose('h1'), fleet?.lose('h2')]);
        await new Promise((resolve) => setTimeout(resolve, TIMING.scheduleToStartMs + silentMs));
        backAt = Date.now();
        await Promise.all([fleet?.add('h1'), fleet?.add('h2')]);
      },
      (attempt) => attempt.finish(),
    ]);
    fleet = await site.open(world, ['h1', 'h2'], { timing });
    const handle = await fleet.train();
    await handle.result();
    expect(Date.now() - backAt).toBeLessThan(silentMs / 2);
    expect(world.attempts).toHaveLength(1);
    const { events } = await handle.fetchHistory();
    const probes = (events ?? []).filter(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'probeHost',
    );
    // The embedded server is slow in ending a wait: without rests it comes to a probe in 1.6 s for each host, 30 here.
    expect(probes.length).toBeGreaterThan(4);
    expect(probes.length).toBeLessThan(18);
    await expectClean(fleet);
  });

  it('waits when more than half of its hosts vanish together: that is the way to them', async () => {
    let fleet: Fleet | null = null;
    const world = new World([
      async (attempt) => {
        const { nodes } = attempt;
        await Promise.all([fleet?.lose('h1'), fleet?.lose('h2')]);
        // Far beyond the time after which one silent host is lost.
        await new Promise((resolve) => setTimeout(resolve, TIMING.scheduleToStartMs + 2 * TIMING.probeTimeoutMs));
        expect(nodes.size).toBe(2);
        await Promise.all([fleet?.add('h1'), fleet?.add('h2')]);
      },
      (attempt) => attempt.finish(),
    ]);
    fleet = await site.open(world, ['h1', 'h2', 'h3']);
    await (await fleet.train({ recovery: { ...RECOVERY, spareWaitMs: 120_000 } })).result();
    expect(world.attempts).toHaveLength(1);
    expect(world.incidents.size).toBe(0);
    await expectClean(fleet);
  });
});
