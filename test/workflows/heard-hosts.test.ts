import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietWorkers } from '../e2e/support/quiet.js';
import { expectClean, found } from './support/gang.js';
import { openSite, type Fleet, type Site } from './support/site.js';
import { World } from './support/world.js';

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('heard');
});
afterAll(() => site.stop());

describe('a gang that does not hear a host', { timeout: 120_000 }, () => {
  it('attaches to it again when it is back in time', async () => {
    let fleet: Fleet | null = null;
    const world = new World([
      async () => {
        await fleet?.lose('h2');
        // Longer than an attempt of the supervisor may wait for its worker; the probes have not given up yet.
        await expect
          .poll(() => world.calls.filter((call) => call === 'lookAtNode h1').length, { timeout: 30_000 })
          .toBeGreaterThan(0);
        await fleet?.add('h2');
      },
      (attempt) => attempt.finish(),
    ]);
    fleet = await site.open(world, ['h1', 'h2']);
    const handle = await fleet.train();
    await handle.result();
    expect(world.attempts).toHaveLength(1);
    expect(world.incidents.size).toBe(0);
    expect(world.calls.filter((call) => call === 'trainNode h2').length).toBeGreaterThan(1);
    await expectClean(fleet);
  });

  const progress = [
    {
      lost: 'h1',
      teller: 'h2',
      fact: 'iterations are logged',
      step: (world: World) => void (world.iteration = Date.now()),
    },
    { lost: 'h2', teller: 'h1', fact: 'ranks write', step: (world: World) => void (world.writtenAtMs = Date.now()) },
  ];
  it.each(progress)('does not lose $lost while $teller sees that $fact', async ({ lost, teller, step }) => {
    let fleet: Fleet | null = null;
    const looks = () => world.calls.filter((call) => call === `lookAtNode ${teller}`).length;
    const world: World = new World([
      async () => {
        step(world);
        const steps = setInterval(() => step(world), 100);
        await fleet?.lose(lost);
        // The second look comes when the probes would have given up.
        await expect.poll(looks, { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
        clearInterval(steps);
        await fleet?.add(lost);
      },
      (attempt) => attempt.finish(),
    ]);
    fleet = await site.open(world, ['h1', 'h2']);
    await (await fleet.train()).result();
    expect(world.attempts).toHaveLength(1);
    expect(world.incidents.size).toBe(0);
    await expectClean(fleet);
  });

  it('cancels a supervisor that found its host after the stop', async () => {
    const world = new World([
      (attempt) => {
        // As where the keeper was not there yet when it was asked to stop.
        attempt.world.deaf.add('h1');
        attempt.fail('h2', found('h2', 'rank-exit'));
      },
    ]);
    const fleet = await site.open(world, ['h1', 'h2']);
    await (await fleet.train()).result();
    expect(world.attempts).toHaveLength(2);
    await expectClean(fleet);
  });
});
