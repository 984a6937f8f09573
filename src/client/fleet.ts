import { errorText } from '../domain/text/error-text.js';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { TemperError } from '../domain/errors.js';
import { controlQueue, fleetWorkflowId } from '../domain/ids.js';
import { suggest } from '../domain/spec/suggest.js';
import {
  RegistrationSchema,
  type FleetInput,
  type Registration,
  type SetAsideCall,
  type TakeBackCall,
} from '../schemas/fleet-calls.js';
import { FleetStateSchema, type FleetState, type HostRecord } from '../schemas/host.js';
import type { Timing } from '../schemas/timing.js';
import type { TemperClient } from './connect.js';

/** Hosts and leases of a fleet; an unknown fleet has none. */
export async function getFleet(client: TemperClient, fleet: string): Promise<FleetState> {
  const { temporal, target } = client;
  try {
    const state = await temporal.connection.withDeadline(Date.now() + target.timing.callTimeoutMs, () =>
      temporal.workflow.getHandle(fleetWorkflowId(fleet)).query('getFleet'),
    );
    return FleetStateSchema.parse(state);
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError')
      return { v: 1, hosts: [], leases: [], waiting: [] };
    throw new TemperError(
      'Unreachable',
      {
        where: `fleet ${fleet}`,
        what: 'the fleet does not answer',
        why: errorText(error),
        fix: 'start a control worker: temper worker --role control',
      },
      { cause: error },
    );
  }
}

/** Takes a host out of its fleet: no lease gets it from now on, while one that holds it keeps it. */
export async function cordonHost(
  client: TemperClient,
  fleet: string,
  host: string,
  reason: string,
): Promise<FleetState> {
  await assertKnown(client, fleet, host);
  const call: SetAsideCall = { v: 1, host, kind: 'cordoned', reason, at: new Date().toISOString() };
  await client.temporal.workflow.getHandle(fleetWorkflowId(fleet)).signal('setHostAside', call);
  return getFleet(client, fleet);
}

/** Lets leases have a host again, whyever it was set aside. */
export async function uncordonHost(client: TemperClient, fleet: string, host: string): Promise<FleetState> {
  await assertKnown(client, fleet, host);
  const call: TakeBackCall = { v: 1, host };
  await client.temporal.workflow.getHandle(fleetWorkflowId(fleet)).signal('takeHostBack', call);
  return getFleet(client, fleet);
}

/** A host may be set aside that has lost its worker, but not a name that nobody knows. */
async function assertKnown(client: TemperClient, fleet: string, host: string): Promise<void> {
  const { hosts, setAside = [] } = await getFleet(client, fleet);
  const names = [...hosts.map(({ name }) => name), ...setAside.map((one) => one.host)];
  if (names.includes(host)) return;
  const near = suggest(host, names);
  throw new TemperError('UsageInvalid', {
    where: `fleet ${fleet}`,
    what: `there is no host ${JSON.stringify(host)}`,
    ...(near === null ? {} : { why: `did you mean ${near}?` }),
    fix: `temper hosts --fleet ${fleet} lists them`,
  });
}

/** Says that a host worker has ended in order: its host is not there until it announces itself again. */
export async function leaveFleet(temporal: Client, fleet: string, { name, startedAt }: HostRecord): Promise<void> {
  const call: SetAsideCall = {
    ...{ v: 1, host: name, kind: 'unobserved', reason: 'its worker was stopped' },
    ...{ at: new Date().toISOString(), startedAt },
  };
  await temporal.workflow.getHandle(fleetWorkflowId(fleet)).signal('setHostAside', call);
}

/** Announces a host worker; starts the fleet's workflow when it is the first. */
export async function registerHost(
  temporal: Client,
  fleet: string,
  host: HostRecord,
  timing: Timing,
): Promise<Registration> {
  const input: FleetInput = {
    v: 1,
    fleet,
    sweepMs: timing.heartbeatTimeoutMs,
    callTimeoutMs: timing.callTimeoutMs,
    hosts: [],
    nextLease: 1,
    leases: [],
    waiting: [],
  };
  const answer = await temporal.workflow.executeUpdateWithStart('registerHost', {
    args: [host],
    startWorkflowOperation: new WithStartWorkflowOperation('fleet', {
      workflowId: fleetWorkflowId(fleet),
      taskQueue: controlQueue(fleet),
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `hosts and leases of fleet ${fleet}`,
    }),
  });
  return RegistrationSchema.parse(answer);
}
