import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLS } from '../../src/domain/in-parallel.js';
import { FLEET_TIMING } from '../../src/domain/timing.js';
import { gangWorkflowId } from '../../src/domain/ids.js';
import { problem } from '../../src/domain/errors.js';
import { quietWorkers } from '../e2e/support/quiet.js';
import { expectClean, incidentsOf, reasonOf } from './support/gang.js';
import { openSite, TIMING, type Fleet, type Site } from './support/site.js';
import { World } from './support/world.js';

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('launch');
});
afterAll(() => site.stop());

describe('the launch of a gang', { timeout: 300_000 }, () => {
  const many = Array.from({ length: CALLS + 2 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);

  it('starts supervisors in groups', async () => {
    const fleet = await site.open(new World([]), many, { pollers: 1, timing: FLEET_TIMING });
    await (await fleet.train({ hosts: many.length })).result();
    const groups = await supervisorsByStep(fleet);
    expect(groups).toEqual([CALLS, many.length - CALLS]);
    await expectClean(fleet);
  });

  it('gets a lease that says little of each host', async () => {
    const fleet = await site.open(new World([]), ['h1', 'h2']);
    await (await fleet.train()).result();
    const { events } = await historyOf(fleet);
    const signals = (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes ?? []);
    const [grant] = signals.filter(({ signalName }) => signalName === 'leaseGranted');
    const told: unknown = JSON.parse(Buffer.from(grant?.input?.payloads?.[0]?.data ?? []).toString());
    expect(told).toMatchObject({ hosts: [{ name: 'h1' }, { name: 'h2' }] });
    expect(Object.keys((told as { hosts: object[] }).hosts[0] ?? {})).toEqual(['name', 'machineId', 'address']);
    await expectClean(fleet);
  });

  it('starts no supervisor of an attempt that failed meanwhile', async () => {
    const world = new World([]);
    world.refusals.set('trainNode h01', problem('SpecInvalid', { what: 'a field is wrong' }));
    const fleet = await site.open(world, many, { pollers: 1, timing: FLEET_TIMING });
    expect(await reasonOf((await fleet.train({ hosts: many.length })).result())).toMatchObject({ code: 'SpecInvalid' });
    const { events } = await historyOf(fleet);
    const started = (events ?? []).flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled?.activityType?.name === 'trainNode'
        ? [{ id: String(eventId), step: Number(scheduled.workflowTaskCompletedEventId) }]
        : [],
    );
    const failed = (events ?? []).find(({ activityTaskFailedEventAttributes: failure }) =>
      started.some(({ id }) => id === String(failure?.scheduledEventId)),
    );
    const learnt = (events ?? []).find(
      ({ eventId, workflowTaskCompletedEventAttributes: step }) =>
        step !== null && step !== undefined && Number(eventId) > Number(failed?.eventId),
    );
    // On a slow machine the second group is started before, or in the very step that learns of the failure.
    expect(started.filter(({ step }) => step > Number(learnt?.eventId))).toEqual([]);
    await expectClean(fleet);
  });

  it('notices soon that a host died before its supervisor came, however long a worker may take to come back', async () => {
    let fleet: Fleet | null = null;
    const world = new World([]);
    const timing = { ...TIMING, scheduleToStartMs: 100_000 };
    let lostAt = 0;
    world.beforeNodes = async () => {
      world.beforeNodes = null;
      lostAt = Date.now();
      await fleet?.lose('h2');
    };
    fleet = await site.open(world, ['h1', 'h2', 'h3'], { timing });
    await (await fleet.train({ spares: 1 })).result();
    expect(world.attempts.map(({ hosts }) => hosts)).toEqual([
      ['h1', 'h2'],
      ['h1', 'h3'],
    ]);
    expect(incidentsOf(world)).toMatchObject([
      { reaction: 'replace-host', verdict: { cause: 'host-lost', host: 'h2' } },
    ]);
    const known = Date.parse(incidentsOf(world)[0]?.at ?? '') - lostAt;
    expect(known, 'ms until the loss was known').toBeLessThan(timing.scheduleToStartMs / 3);
    await expectClean(fleet);
  });
});

function historyOf({ name }: Fleet) {
  return site.client.workflow.getHandle(gangWorkflowId(`run-${name}`)).fetchHistory();
}

/** How many supervisors each step of the workflow started. */
async function supervisorsByStep(fleet: Fleet): Promise<number[]> {
  const { events } = await historyOf(fleet);
  const steps = new Map<string, number>();
  for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
    if (scheduled?.activityType?.name !== 'trainNode') continue;
    const step = String(scheduled.workflowTaskCompletedEventId);
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  return [...steps.values()];
}
