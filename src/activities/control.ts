import { getClient, heartbeat, sleep } from '@temporalio/activity';
import { z } from 'zod';
import { TemperError } from '../domain/errors.js';
import { fleetWorkflowId } from '../domain/ids.js';
import { isClosed } from './closed-owner.js';
import { OwnerSchema, type Owner } from '../schemas/fleet-calls.js';
import { FleetStateSchema, type HostRecord } from '../schemas/host.js';
import { AwaitHostsCallSchema, PlanCallSchema, type HostsAnswer, type PlanAnswer } from '../schemas/stage-calls.js';
import { planFromText } from '../recipes/plan-from-text.js';
import { activity } from './edge.js';

const ClosedCallSchema = z.object({ v: z.literal(1), owners: z.array(OwnerSchema) });

/** Activities of the control worker: they touch no host and no workspace. */
export function createControlActivities() {
  return {
    /** Turns a spec (with corrections) into a plan, or into the problems that prevent one. */
    planPipeline: activity(PlanCallSchema, async ({ run, specText, set }): Promise<PlanAnswer> => {
      const result = planFromText(specText, run, set);
      return result.plan === null
        ? { v: 1, specText, plan: null, problems: result.problems }
        : { v: 1, specText: result.specText, plan: result.plan, problems: [] };
    }),

    /** Waits until a fleet has enough hosts, and names them. */
    awaitHosts: activity(AwaitHostsCallSchema, async ({ fleet, count, waitMs }): Promise<HostsAnswer> => {
      const until = Date.now() + waitMs;
      for (;;) {
        const hosts = await registeredHosts(fleet);
        if (hosts.length >= count) return { v: 1, hosts };
        if (Date.now() >= until) {
          throw new TemperError('NoHosts', {
            where: `fleet ${fleet}`,
            what: `${hosts.length} of ${count} hosts have a worker`,
            ...(hosts.length === 0 ? {} : { why: `registered: ${hosts.map(({ name }) => name).join(', ')}` }),
          });
        }
        heartbeat({
          v: 1,
          stage: 'environment',
          host: '',
          phase: 'waiting',
          text: `waiting for hosts: ${hosts.length} of ${count}`,
        });
        await sleep(500);
      }
    }),

    /** Which of these workflows are closed for certain; one that cannot be found is not. */
    findClosedOwners: activity(ClosedCallSchema, async ({ owners }): Promise<{ v: 1; closed: Owner[] }> => {
      const closed: Owner[] = [];
      for (const owner of owners) if (await isClosed(owner)) closed.push(owner);
      return { v: 1, closed };
    }),
  };
}

/** What workflows may ask of a control worker. */
export type ControlActivities = ReturnType<typeof createControlActivities>;

async function registeredHosts(fleet: string): Promise<HostRecord[]> {
  try {
    const state = await getClient().workflow.getHandle(fleetWorkflowId(fleet)).query('getFleet');
    const { hosts, setAside = [] } = FleetStateSchema.parse(state);
    return hosts.filter(({ name }) => !setAside.some(({ host }) => host === name));
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return [];
    // A fleet workflow that is just starting cannot be queried for a moment.
    if (error instanceof Error && /not.*(ready|processed|first workflow task)/i.test(error.message)) return [];
    throw error;
  }
}
