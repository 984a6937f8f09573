import { errorText } from '../domain/text/error-text.js';
import { getClient } from '@temporalio/activity';
import { isClosedStatus } from '../domain/closed-status.js';
import { TemperError } from '../domain/errors.js';
import { fleetOfControlQueue, fleetWorkflowId, gangWorkflowId, runOfWorkflowId, runWorkflowId } from '../domain/ids.js';
import type { LookAtRuns } from '../host/retention/survey.js';
import { FleetStateSchema } from '../schemas/host.js';
import { lookAtCommands, type Commands } from './look-at-commands.js';
import type { StageHost } from './stage-host.js';

const HOUR_MS = 3_600_000;
/**
 * Commands that nobody can be asked about end by themselves within a day: their keepers miss a supervisor. The second
 * day is for clocks and for those that are slow to end.
 */
export const FORGOTTEN_MS = 48 * HOUR_MS;
/** Activities of a terminated run learn of it from the answer to a heartbeat, and may begin another command until then. */
const TERMINATED_MS = HOUR_MS / 6;

/**
 * A run has ended for certain when its workflows are closed, it holds no host, and no command of it runs on any host of
 * its fleet. Workflows are looked at before hosts, because a closed one begins no command.
 */
export function lookAtRuns(host: StageHost): LookAtRuns {
  return async (runs) => {
    const found = new Map<string, WorkflowFacts>();
    for (const { name } of runs) found.set(name, await lookAtWorkflows(name));
    const fleets = new Set([host.fleet, ...[...found.values()].map(({ fleet }) => fleet ?? host.fleet)]);
    const commands = new Map<string, FleetFacts>();
    for (const fleet of fleets) commands.set(fleet, await lookAtFleet(host, fleet));
    return new Map(
      runs.map(({ name, touchedMs }) => {
        const { open, fleet, closedMs } = found.get(name) ?? UNKNOWN;
        const aged = Date.now() - Math.max(touchedMs, closedMs) > FORGOTTEN_MS;
        return [name, open ?? whyHeld(name, commands.get(fleet ?? host.fleet), { aged, isKnown: fleet !== null })];
      }),
    );
  };
}

interface WorkflowFacts {
  /** Why it may go on; null when its workflows are closed, or not known. */
  readonly open: string | null;
  /** null: the server does not know the run. */
  readonly fleet: string | null;
  readonly closedMs: number;
}

const UNKNOWN: WorkflowFacts = { open: null, fleet: null, closedMs: 0 };

async function lookAtWorkflows(run: string): Promise<WorkflowFacts> {
  const own = await describeWorkflow(runWorkflowId(run));
  if (own === null) return UNKNOWN;
  const facts = { fleet: fleetOfControlQueue(own.taskQueue), closedMs: own.closeTime?.getTime() ?? Date.now() };
  if (!isClosedStatus(own.status.name)) return { ...facts, open: 'it is running' };
  const isCut = own.status.name === 'TERMINATED' || own.status.name === 'TIMED_OUT';
  if (isCut && Date.now() - facts.closedMs < TERMINATED_MS)
    return { ...facts, open: 'it was terminated just now, and its commands may still run' };
  const gang = await describeWorkflow(gangWorkflowId(run));
  if (gang !== null && !isClosedStatus(gang.status.name)) return { ...facts, open: 'its training is not over' };
  const parent = own.raw.workflowExecutionInfo?.parentExecution?.workflowId;
  const retrain = parent ? await describeWorkflow(parent) : null;
  const isOver = retrain === null || isClosedStatus(retrain.status.name);
  return { ...facts, open: isOver ? null : 'its retrain is not over' };
}

function whyHeld(
  run: string,
  facts: FleetFacts | undefined,
  { aged, isKnown }: { readonly aged: boolean; readonly isKnown: boolean },
): string | null {
  if (facts === undefined || facts.commands === null) return 'nobody can tell what its fleet runs';
  if (facts.leased.has(run)) return 'it holds hosts';
  const at = facts.commands.running.get(run);
  if (at !== undefined) return `a command of it runs on ${at}`;
  if (aged) return null;
  if (!isKnown) return 'the server does not know it, and it was written to within two days';
  const [silent] = facts.commands.silent;
  return silent === undefined
    ? null
    : `${silent} does not answer, and a command of it may run there: it ended within two days`;
}

interface FleetFacts {
  readonly leased: ReadonlySet<string>;
  /** null: nobody answers for the fleet. */
  readonly commands: Commands | null;
}

async function lookAtFleet(host: StageHost, fleet: string): Promise<FleetFacts> {
  try {
    const answer = await getClient().workflow.getHandle(fleetWorkflowId(fleet)).query('getFleet');
    const { leases, hosts } = FleetStateSchema.parse(answer);
    const owners = leases.map(({ owner }) => runOfWorkflowId(owner.replace(/\/train$/, '')));
    const commands = await lookAtCommands(
      host,
      fleet,
      hosts.map(({ name }) => name),
    );
    return { leased: new Set(owners.filter((run) => run !== null)), commands };
  } catch (error) {
    // Runs of another fleet, which may be gone for good, stay; without this one nothing can be told at all.
    if (fleet !== host.fleet) return { leased: new Set(), commands: null };
    throw new TemperError(
      'Unreachable',
      {
        where: `fleet ${fleet}`,
        what: 'nothing was removed, because nobody can tell who holds hosts',
        why: errorText(error),
        fix: 'start a control worker: temper worker --role control',
      },
      { cause: error },
    );
  }
}

/** What the server knows of a workflow, its newest run unless one is named; null when it knows none. */
export async function describeWorkflow(workflowId: string, runId?: string) {
  try {
    return await getClient().workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}
