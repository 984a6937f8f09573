import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostActivities } from '../../src/activities/host.js';
import { controlQueue, fleetWorkflowId, retrainWorkflowId, runWorkflowId } from '../../src/domain/ids.js';
import type { FleetState } from '../../src/schemas/host.js';
import type { RetrainInput, RetrainResult } from '../../src/schemas/retrain.js';
import type { StageCall } from '../../src/schemas/stage-calls.js';
import { quietWorkers } from '../e2e/support/quiet.js';
import { retrainSpec } from '../e2e/support/retrains.js';
import { openSite, TIMING, type Fleet, type Site } from './support/site.js';
import { World } from './support/world.js';

/** A short call is over soon, and work waits longer for its worker. */
const PATIENT = { ...TIMING, callTimeoutMs: 1_000, scheduleToStartMs: 30_000 };

let site: Site;
beforeAll(async () => {
  quietWorkers();
  site = await openSite('retrain');
});
afterAll(() => site.stop());

/** Hosts on which all stages are done already, so that a retrain is its own steps. */
class DoneWorld extends World {
  fleet: Fleet | null = null;
  /** Hosts that were asked to measure, and who held hosts then. */
  readonly measured: { readonly host: string; readonly leases: FleetState['leases'] }[] = [];
  /** What happens while the first measurement goes on. */
  duringFirst: (host: string) => Promise<void> = async () => undefined;

  override activitiesOf(host: string): Partial<HostActivities> {
    const specText = retrainSpec({ workspace: '/w' }).replace('hosts: 2', `name: ${this.fleet?.name}, hosts: 2`);
    return {
      ...super.activitiesOf(host),
      openRun: async () => undefined,
      lookUpStage: async ({ stage: { name } }: StageCall) => ({
        v: 1,
        done: { v: 1, ref: { stage: name, key: 'k', digest: 'd' }, reused: true, host, durationMs: 1, facts: {} },
      }),
      resolveRetrain: async () => ({ v: 1, specText, fingerprint: 'f', promoted: null, skip: null }),
      evaluateModels: async () => {
        const isFirst = this.measured.length === 0;
        this.measured.push({ host, leases: (await this.fleet?.state())?.leases ?? [] });
        if (isFirst) {
          void this.duringFirst(host);
          await Context.current().cancelled;
        }
        return { v: 1, host, candidate: { accuracy: 1 }, promoted: null };
      },
      promoteModel: async () => ({ v: 1, isPromoted: true, version: 1, why: null, removed: [] }),
    };
  }
}

async function open(world: DoneWorld, hosts: readonly string[]): Promise<Fleet> {
  const fleet = await site.open(world, []);
  world.fleet = fleet;
  for (const host of hosts) await fleet.add(host);
  return fleet;
}

/** Starts a retrain as its schedule does, and waits for what it came to. */
async function retrain(fleet: Fleet, over: Partial<RetrainInput>): Promise<RetrainResult> {
  const input: RetrainInput = {
    ...{ v: 1, schedule: fleet.name, model: 'numbers', fleet: fleet.name, hosts: 2, workspace: '/w', specText: '' },
    ...{ inputs: [], startFrom: 'base', evaluationMs: 60_000, gate: ['accuracy > 0'], approvalMs: null, keep: 1 },
    when: {
      ...{ cron: null, everyMs: 3_600_000, timezone: 'UTC', jitterMs: 0, catchupMs: 60_000 },
      ...{ overlap: 'SKIP', pauseOnFailure: true },
    },
    evaluation: { by: 'command', argv: ['measure'] },
    timing: PATIENT,
    ...over,
  };
  const handle = await site.client.schedule.create({
    scheduleId: fleet.name,
    spec: { intervals: [{ every: '1h' }] },
    state: { triggerImmediately: true },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledRetrain',
      workflowId: retrainWorkflowId(fleet.name),
      taskQueue: controlQueue(fleet.name),
      args: [input],
    },
  });
  const started = await expect
    .poll(async () => (await handle.describe()).info.recentActions[0]?.action.workflow ?? null, { timeout: 20_000 })
    .not.toBeNull()
    .then(async () => (await handle.describe()).info.recentActions[0]?.action.workflow);
  await handle.delete();
  return site.client.workflow.getHandle<() => Promise<RetrainResult>>(started?.workflowId ?? '').result();
}

describe('a retrain', { timeout: 120_000 }, () => {
  it('measures by a command on a leased host, and waits there for a worker that is started again', async () => {
    const world = new DoneWorld([]);
    const fleet = await open(world, ['h1', 'h2']);
    world.duringFirst = async (host) => {
      await fleet.lose(host);
      await sleep(3 * PATIENT.callTimeoutMs);
      await fleet.add(host);
    };
    expect(await retrain(fleet, {})).toMatchObject({ outcome: 'promoted', version: 1 });
    const [first, second] = world.measured;
    expect(world.measured).toHaveLength(2);
    expect(second?.host).toBe(first?.host);
    expect(first?.leases).toMatchObject([
      { owner: expect.stringContaining(retrainWorkflowId(fleet.name)), hosts: [first?.host] },
    ]);
    expect((await fleet.state()).leases).toEqual([]);
  });

  it('takes no host for the measurement by the recipe', async () => {
    const world = new DoneWorld([]);
    world.duringFirst = async (host) => {
      await world.fleet?.lose(host);
      await world.fleet?.add(host);
    };
    const fleet = await open(world, ['h1', 'h2']);
    expect(await retrain(fleet, { evaluation: { by: 'recipe', rows: null } })).toMatchObject({ outcome: 'promoted' });
    expect(world.measured[0]?.leases).toEqual([]);
  });

  it('that finds fewer hosts than it needs waits as long as it may, and is then skipped', async () => {
    const fleet = await open(new DoneWorld([]), ['h1']);
    const startedAt = Date.now();
    const result = await retrain(fleet, { timing: TIMING, leaseWaitMs: 6_000 });
    expect(result).toMatchObject({ outcome: 'skipped', run: expect.stringContaining(fleet.name) });
    expect(result.reason).toContain('1 of the 2 hosts that the run needs are ready');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(6_000);
  });
});

describe('a run that a person started', { timeout: 60_000 }, () => {
  it('parks when hosts are missing for too long, says which, and goes on when they are there', async () => {
    const world = new DoneWorld([]);
    const fleet = await open(world, ['h1', 'h2']);
    await site.client.workflow
      .getHandle(fleetWorkflowId(fleet.name))
      .signal('setHostAside', { v: 1, host: 'h2', kind: 'cordoned', reason: 'a new fan', at: '' });
    const specText = retrainSpec({ workspace: '/w' }).replace('hosts: 2', `name: ${fleet.name}, hosts: 2`);
    const timing = { ...TIMING, scheduleToStartMs: 1_000 };
    const args = [{ v: 1, run: 'short', specText, timing, from: null, until: null, onFailure: 'park' }];
    const taskQueue = controlQueue(fleet.name);
    const run = await site.client.workflow.start('fineTunePipeline', {
      workflowId: runWorkflowId('short'),
      taskQueue,
      args,
    });
    const memo = async (): Promise<unknown> => (await run.describe()).memo?.['temper'];
    await expect.poll(memo, { timeout: 10_000 }).toMatchObject({
      state: 'blocked',
      code: 'NoHosts',
      reason: `1 of the 2 hosts that the run needs are ready (ready: h1; set aside: h2 (a new fan)), at fleet ${fleet.name}`,
      fix: expect.stringMatching(
        /^start 1 more .* temper resume RUN; to use fewer: temper resume RUN --set fleet.hosts=1$/,
      ),
    });
    await fleet.add('h3');
    await run.executeUpdate('resumeRun', { args: [{ v: 1, set: [], from: null }] });
    await run.result();
    expect(await memo()).toMatchObject({ state: 'done' });
  });

  it('that ends when it fails refuses to be paused and goes on', async () => {
    const fleet = await open(new DoneWorld([]), ['h1']);
    const specText = retrainSpec({ workspace: '/w' }).replace('hosts: 2', `name: ${fleet.name}, hosts: 2`);
    const args = [{ v: 1, run: 'ends', specText, timing: TIMING, from: null, until: null, onFailure: 'fail' }];
    const [workflowId, taskQueue] = [runWorkflowId('ends'), controlQueue(fleet.name)];
    const run = await site.client.workflow.start('fineTunePipeline', { workflowId, taskQueue, args });
    await expect(run.executeUpdate('pauseRun', { args: [{ v: 1, reason: 'test' }] })).rejects.toMatchObject({
      cause: { type: 'RunNotParked', message: 'run ends cannot be paused' },
    });
    expect((await run.describe()).status.name).toBe('RUNNING');
    await fleet.add('h2');
    await run.result();
  });
});
