import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { TemperError } from '../domain/errors.js';
import { controlQueue, fleetWorkflowId } from '../domain/ids.js';
import { RegistrationSchema, type FleetInput, type Registration } from '../schemas/fleet-calls.js';
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
        why: error instanceof Error ? error.message : String(error),
        fix: 'start a control worker: temper worker --role control',
      },
      { cause: error },
    );
  }
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
