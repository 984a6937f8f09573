import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PreflightCheck } from '../../src/schemas/preflight.js';
import { expectClean, failing, incidentsOf, reasonOf } from './support/gang.js';
import { openSite, type Site } from './support/site.js';
import { World } from './support/world.js';
import { quietWorkers } from '../e2e/support/quiet.js';

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('preflight');
});
afterAll(() => site.stop());

const HOSTS = ['h1', 'h2', 'h3'];

describe('the preflight of a gang', { timeout: 90_000 }, () => {
  it('is full at the first launch, and one quick call a host at a relaunch', async () => {
    const world = new World([failing('h2', 'rank-killed')]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    expect(world.looks.map(({ depth, isCompared }) => [depth, isCompared])).toEqual([
      ['full', true],
      ['full', true],
      ['quick', false],
      ['quick', false],
    ]);
    const count = (name: string): number => world.calls.filter((call) => call.startsWith(`${name} `)).length;
    expect(['ensureEnvironment', 'comparePreflight', 'closePreflight'].map(count)).toEqual([2, 2, 1]);
    // All that happens between the end of the first attempt and the second one.
    const dead = world.calls.lastIndexOf('recordIncident h1', world.calls.lastIndexOf('openAttempt h1'));
    const between = world.calls.slice(dead + 1, world.calls.lastIndexOf('openAttempt h1'));
    expect(between.toSorted()).toEqual(['preflightHost h1', 'preflightHost h2']);
    await expectClean(fleet);
  });

  it('is full on a host that is new to the gang, which is compared with one that is not', async () => {
    const world = new World([failing('h1', 'unkillable', { reaction: 'replace-host' })]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    expect(world.attempts.at(-1)?.hosts).toEqual(['h2', 'h3']);
    expect(world.looks.slice(2).toSorted((a, b) => a.host.localeCompare(b.host))).toEqual([
      { host: 'h2', depth: 'full', isCompared: true },
      { host: 'h3', depth: 'full', isCompared: true },
    ]);
    await expectClean(fleet);
  });

  it('cleans leftovers and goes on', async () => {
    const world = new World([]);
    world.checks.set('h2', [[check('leftover')]]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    expect(world.calls).toContain('sweepNode h2');
    expect(world.calls).not.toContain('sweepNode h1');
    expect(world.looks.map(({ host, depth }) => `${host} ${depth}`).slice(2)).toEqual(['h2 quick']);
    expect(world.incidents.size).toBe(0);
    await expectClean(fleet);
  });

  it('answers leftovers that stay with a clean restart, and stops when the budget is spent', async () => {
    const world = new World([]);
    world.checks.set(
      'h2',
      Array.from({ length: 9 }, () => [check('leftover')]),
    );
    const fleet = await site.open(world, HOSTS);
    const recovery = { maxRestartsWithoutProgress: 1, spareWaitMs: 20_000, onUnknown: 'restart' as const };
    const reason = await reasonOf((await fleet.train({ recovery })).result());
    expect(reason).toMatchObject({ code: 'HostOccupied', where: 'a place', fix: 'mend it' });
    expect(incidentsOf(world)).toMatchObject([
      { attempt: null, reaction: 'clean-restart', verdict: { cause: 'leftover', host: 'h2' } },
      { reaction: 'stop' },
    ]);
    expect(world.attempts).toEqual([]);
    // What each host left for the comparison that did not come is taken away, in both attempts.
    expect(world.calls.filter((call) => call.startsWith('closePreflight')).toSorted()).toEqual([
      'closePreflight h1',
      'closePreflight h1',
      'closePreflight h2',
      'closePreflight h2',
    ]);
    await expectClean(fleet);
  });

  it('replaces a sick host', async () => {
    const world = new World([]);
    world.checks.set('h1', [[check('host')]]);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    expect(world.attempts).toMatchObject([{ hosts: ['h2', 'h3'], lease: 2 }]);
    expect(incidentsOf(world)).toMatchObject([
      { reaction: 'replace-host', verdict: { cause: 'host-unfit', host: 'h1', rule: 'host-unfit' } },
    ]);
    await expectClean(fleet);
  });

  it('replaces a host whose clock nobody sets, and lets one drift', async () => {
    const world = new World([]);
    world.clocks.set('h1', -60_000);
    world.clocks.set('h2', 3_000);
    const fleet = await site.open(world, HOSTS);
    await (await fleet.train()).result();
    expect(world.attempts.map(({ hosts }) => hosts.length)).toEqual([2]);
    expect(incidentsOf(world)[0]).toMatchObject({
      reaction: 'replace-host',
      verdict: { cause: 'host-unfit', sentence: expect.stringContaining('ahead of that of h1') },
    });
    await expectClean(fleet);
  });

  it('never launches on two machines with one address, and asks neither of them anything', async () => {
    const world = new World([]);
    for (const host of ['h1', 'h2']) world.addresses.set(host, '10.0.0.7');
    const fleet = await site.open(world, HOSTS);
    const reason = await reasonOf((await fleet.train()).result());
    expect(reason).toMatchObject({
      code: 'PreflightFailed',
      what: expect.stringContaining('h1 10.0.0.7, h2 10.0.0.7'),
    });
    expect({ looks: world.looks, attempts: world.attempts }).toEqual({ looks: [], attempts: [] });
    await expectClean(fleet);
  });

  it('stops for what a person must change, and for what all hosts have', async () => {
    for (const checks of [
      new Map([['h2', [[check('config')]]]]),
      new Map([
        ['h1', [[check('host')]]],
        ['h2', [[check('host')]]],
      ]),
    ]) {
      const world = new World([]);
      for (const [host, found] of checks) world.checks.set(host, found);
      const fleet = await site.open(world, HOSTS);
      const reason = await reasonOf((await fleet.train()).result());
      expect(reason).toMatchObject({ code: 'PreflightFailed', where: 'a place', fix: 'mend it' });
      expect(world.attempts).toEqual([]);
      await expectClean(fleet);
    }
  });
});

function check(fault: PreflightCheck['fault']): PreflightCheck {
  return { id: `test-${fault}`, status: 'fail', fault, what: 'it is wrong', where: 'a place', fix: 'mend it' };
}
