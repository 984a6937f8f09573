import { getClient, heartbeat } from '@temporalio/activity';
import { isClosedStatus } from '../domain/closed-status.js';
import { TemperError } from '../domain/errors.js';
import { fleetWorkflowId, runOfWorkflowId, runWorkflowId } from '../domain/ids.js';
import { listKeepers } from '../host/keeper/client.js';
import { collect, planCollection } from '../host/retention/collect.js';
import type { LookAtRuns } from '../host/retention/survey.js';
import { FleetStateSchema } from '../schemas/host.js';
import type { CollectCall, CollectReport } from '../schemas/retention.js';
import type { StageHost } from './stage-host.js';

const HOUR_MS = 3_600_000;
/** A run that the server does not know may be one of a server that was lost; its keepers end after a day at most. */
const FORGOTTEN_MS = 48 * HOUR_MS;
/** A terminated run's processes are stopped by their hosts, which takes minutes. */
const TERMINATED_MS = HOUR_MS / 6;
const MOST_ITEMS = 200;
const MOST_KEPT = 100;

/** Removes, or only tells, what retention does not keep of a workspace. */
export async function collectGarbage(host: StageHost, call: CollectCall): Promise<CollectReport> {
  const { workspace, policy, isDryRun, heartbeatIntervalMs } = call;
  const beat = (): void => heartbeat({ v: 1, phase: 'looking for what is not needed' });
  beat();
  const timer = setInterval(beat, heartbeatIntervalMs);
  try {
    const look = lookAtRuns(host);
    const { totalBytes, items, kept } = await (isDryRun ? planCollection : collect)(workspace, policy, look);
    return {
      v: 1,
      host: host.name,
      workspace,
      isDryRun,
      totalBytes,
      freedBytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
      count: items.length,
      items: [...items].sort((a, b) => b.bytes - a.bytes).slice(0, MOST_ITEMS),
      kept: kept.slice(0, MOST_KEPT),
    };
  } finally {
    clearInterval(timer);
  }
}

/** A run has ended for certain when the server says so, of the retrain that it belongs to as well. */
function lookAtRuns(host: StageHost): LookAtRuns {
  return async (runs) => {
    const leased = await leasedRuns(host.fleet);
    const running = await runningHere(host);
    const states = new Map<string, string | null>();
    for (const { name, touchedMs } of runs) {
      if (leased.has(name)) states.set(name, 'it holds hosts');
      else if (running.some((id) => id.startsWith(`${name}.`)))
        states.set(name, `a command of it runs on ${host.name}`);
      else states.set(name, await whyOpen(name, touchedMs));
    }
    return states;
  };
}

async function whyOpen(run: string, touchedMs: number): Promise<string | null> {
  const client = getClient();
  const age = Date.now() - touchedMs;
  try {
    const { status, raw } = await client.workflow.getHandle(runWorkflowId(run)).describe();
    if (!isClosedStatus(status.name)) return 'it is running';
    if (status.name === 'TERMINATED' && age < TERMINATED_MS)
      return 'it was terminated just now, and its commands may still run';
    const parent = raw.workflowExecutionInfo?.parentExecution?.workflowId;
    if (parent === null || parent === undefined || parent === '') return null;
    const retrain = await client.workflow.getHandle(parent).describe();
    return isClosedStatus(retrain.status.name) ? null : 'its retrain is not over';
  } catch (error) {
    if (!(error instanceof Error && error.name === 'WorkflowNotFoundError')) throw error;
    return age > FORGOTTEN_MS ? null : 'the server does not know it, and it was written to within two days';
  }
}

async function leasedRuns(fleet: string): Promise<ReadonlySet<string>> {
  try {
    const state = await getClient().workflow.getHandle(fleetWorkflowId(fleet)).query('getFleet');
    const owners = FleetStateSchema.parse(state).leases.map(({ owner }) =>
      runOfWorkflowId(owner.replace(/\/train$/, '')),
    );
    return new Set(owners.filter((run) => run !== null));
  } catch (error) {
    throw new TemperError(
      'Unreachable',
      {
        where: `fleet ${fleet}`,
        what: 'nothing was removed, because nobody can tell who holds hosts',
        why: error instanceof Error ? error.message : String(error),
        fix: 'start a control worker: temper worker --role control',
      },
      { cause: error },
    );
  }
}

async function runningHere({ scratch }: StageHost): Promise<string[]> {
  const running: string[] = [];
  for (const keeper of listKeepers(scratch)) {
    const { state } = await keeper.status();
    if (state !== 'exited' && state !== 'absent') running.push(keeper.id);
  }
  return running;
}
