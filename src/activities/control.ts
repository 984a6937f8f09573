import { getClient, heartbeat, sleep } from '@temporalio/activity';
import { z } from 'zod';
import { TemperError } from '../domain/errors.js';
import { fleetWorkflowId } from '../domain/ids.js';
import { fixedFields } from '../domain/spec/corrections.js';
import { someNames } from '../domain/text/some-names.js';
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
      const problems = [...fixedFields(set), ...result.problems];
      return result.plan === null || problems.length > 0
        ? { v: 1, specText, plan: null, problems }
        : { v: 1, specText: result.specText, plan: result.plan, problems: [] };
    }),

    /** Waits until a fleet has enough hosts, and names them. */
    awaitHosts: activity(AwaitHostsCallSchema, async ({ fleet, count, waitMs }): Promise<HostsAnswer> => {
      const until = Date.now() + waitMs;
      for (;;) {
        const { hosts, setAside } = await registeredHosts(fleet);
        if (hosts.length >= count) return { v: 1, hosts };
        if (Date.now() >= until) throw tooFewHosts({ fleet, count, hosts, setAside });
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

interface Registered {
  readonly hosts: HostRecord[];
  /** Of the registered ones, those that no lease gets, with the reason. */
  readonly setAside: readonly { readonly host: string; readonly reason: string }[];
}

const SHOWN = 8;

function tooFewHosts(facts: Registered & { readonly fleet: string; readonly count: number }): TemperError {
  const { fleet, count, hosts, setAside } = facts;
  const names = someNames(
    hosts.map(({ name }) => name),
    SHOWN,
  );
  const aside = someNames(
    setAside.map(({ host, reason }) => `${host} (${reason})`),
    SHOWN,
  );
  const why = [
    ...(hosts.length === 0 ? [] : [`ready: ${names}`]),
    ...(setAside.length === 0 ? [] : [`set aside: ${aside}`]),
  ];
  const more = `start ${count - hosts.length} more (temper worker --role host --name HOST${fleet === 'default' ? '' : ` --fleet ${fleet}`})`;
  const back = setAside.length === 0 ? '' : ', or take one back into use (temper uncordon HOST)';
  const fewer = hosts.length === 0 ? '' : `; to use fewer: temper resume RUN --set fleet.hosts=${hosts.length}`;
  return new TemperError('NoHosts', {
    where: `fleet ${fleet}`,
    what: `${hosts.length} of the ${count} hosts that the run needs are ready`,
    why: why.length === 0 ? 'no host worker has registered' : why.join('; '),
    fix: `${more}${back}, then temper resume RUN${fewer}`,
  });
}

async function registeredHosts(fleet: string): Promise<Registered> {
  try {
    const state = await getClient().workflow.getHandle(fleetWorkflowId(fleet)).query('getFleet');
    const { hosts, setAside = [] } = FleetStateSchema.parse(state);
    const isAside = ({ name }: HostRecord): boolean => setAside.some(({ host }) => host === name);
    const known = hosts.map(({ name }) => name);
    return {
      hosts: hosts.filter((host) => !isAside(host)),
      setAside: setAside.filter(({ host }) => known.includes(host)),
    };
  } catch (error) {
    const none = { hosts: [], setAside: [] };
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return none;
    // A fleet workflow that is just starting cannot be queried for a moment.
    if (error instanceof Error && /not.*(ready|processed|first workflow task)/i.test(error.message)) return none;
    throw error;
  }
}
