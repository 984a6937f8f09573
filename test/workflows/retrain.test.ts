import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostActivities } from '../../src/activities/host.js';
import { controlQueue, retrainWorkflowId } from '../../src/domain/ids.js';
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
    expect(result.reason).toContain('1 of 2 hosts have a worker');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(6_000);
  });
});
