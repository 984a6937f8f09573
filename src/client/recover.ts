import { setTimeout as sleep } from 'node:timers/promises';
import { TemperError } from '../domain/errors.js';
import { inParallel } from '../domain/in-parallel.js';
import { runWorkflowId } from '../domain/ids.js';
import type { StageName } from '../schemas/plan.js';
import { RunSurveySchema, type RecoveryAnswer, type RunSurvey, type SurveyedHost } from '../schemas/recovery.js';
import { KeptCommandSchema } from '../schemas/host-call.js';
import { z } from 'zod';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost, hostCall } from './host-call.js';
import { describe, getRunStatus } from './run-status.js';
import { launch, planFor } from './runs.js';

/** A run to rebuild from its folder. */
export interface RecoverRequest {
  readonly run: string;
  /** Absolute, as the hosts see it. */
  readonly workspace: string;
  /** Fleet whose hosts are asked. */
  readonly fleet: string;
  /** Look only. */
  readonly isDry: boolean;
  /** Told what is waited for. */
  readonly note?: (text: string) => void;
}

/** Workers announce themselves every minute, so a fleet that lost its database knows its hosts again after that. */
const HOSTS_MS = 75_000;
const POLL_MS = 1_000;

const KeepersSchema = z.object({ commands: z.array(KeptCommandSchema) });
const StoppedSchema = z.object({ stopped: z.array(z.string()) });

/**
 * Rebuilds a run from its folder, after Temporal's database was lost. Its commands that still run are stopped and
 * proven dead, then the workflow is started again under the same name: finished stages are found in the store, and the
 * training goes on from the newest proven checkpoint, as a new attempt behind a raised fence. Refuses a run that
 * Temporal knows as open or done.
 */
export async function recoverRun(client: TemperClient, request: RecoverRequest): Promise<RecoveryAnswer> {
  const { run, workspace, isDry } = request;
  await assertLost(client, run);
  const names = await hostNames(client, request);
  const answer = await callAnyHost(client, request.fleet, names, { v: 1, op: 'surveyRun', workspace, run });
  const { specText, ...survey } = RunSurveySchema.parse(answer);
  const { fleet, attempt } = survey;
  // Hosts of the last attempt may train although the fleet does not know them yet: their queues are known by name.
  const known = fleet === request.fleet ? names : await hostNames(client, { ...request, fleet });
  const hosts = await askHosts(client, fleet, run, [...new Set([...known, ...(attempt?.hosts ?? [])])].sort());
  if (isDry) return { v: 1, run, recovered: false, survey, hosts, stopped: [] };
  const { plan, specText: text } = planFor({ specText, file: `${workspace}/runs/${run}/spec.yaml`, run });
  const stopped = await stopCommands(client, fleet, run, hosts);
  const isStarted = await launch(client, run, plan, text, {
    from: fromOf(survey),
    until: survey.request?.until ?? null,
    onFailure: survey.request?.onFailure ?? 'park',
  });
  if (!isStarted) throw stillKnown(run, 'is there already');
  return { v: 1, run, recovered: true, survey, hosts, stopped };
}

/** A run that ended badly may be rebuilt from its folder too; one that is open or done has nothing to recover. */
async function assertLost(client: TemperClient, run: string): Promise<void> {
  if ((await describe(client, runWorkflowId(run))) === null) return;
  const { state } = await getRunStatus(client, run);
  if (state !== 'cancelled' && state !== 'failed' && state !== 'terminated') throw stillKnown(run, `is ${state}`);
}

function stillKnown(run: string, what: string): TemperError {
  return new TemperError('RunExists', {
    where: run,
    what: `run ${run} ${what}: Temporal has not lost it`,
    fix: `temper status ${run} shows it; temper resume ${run} continues it when it is blocked`,
  });
}

async function hostNames(client: TemperClient, { fleet, note }: RecoverRequest): Promise<string[]> {
  const until = Date.now() + HOSTS_MS;
  for (let isFirst = true; ; isFirst = false) {
    const names = (await getFleet(client, fleet)).hosts.map(({ name }) => name);
    if (names.length > 0 || Date.now() >= until) return names;
    if (isFirst) note?.(`waiting for a host of fleet ${fleet}: workers announce themselves every minute`);
    await sleep(POLL_MS);
  }
}

async function askHosts(
  client: TemperClient,
  fleet: string,
  run: string,
  names: readonly string[],
): Promise<SurveyedHost[]> {
  return inParallel(names, async (host) => {
    try {
      const { commands } = KeepersSchema.parse(await hostCall(client, fleet, host, { v: 1, op: 'keepers', run }));
      const running = commands.filter(({ state }) => state !== 'exited' && state !== 'absent');
      return { host, isReached: true, running: running.map(({ id }) => id) };
    } catch (error) {
      if (!(error instanceof TemperError)) throw error;
      return { host, isReached: false, running: [] };
    }
  });
}

/**
 * Nothing of the old workflow can be attached to: its leases and its supervisors are gone with it. What runs on a host
 * that is not reached ends by itself, as soon as its keeper sees the fence of the new attempt.
 */
async function stopCommands(
  client: TemperClient,
  fleet: string,
  run: string,
  hosts: readonly SurveyedHost[],
): Promise<string[]> {
  const { stopGraceMs } = client.target.timing;
  const stopped = await Promise.all(
    hosts
      .filter(({ running }) => running.length > 0)
      .map(async ({ host }) => {
        const answer = await hostCall(client, fleet, host, {
          v: 1,
          op: 'stopKeepers',
          prefix: `${run}.`,
          reason: 'the run is recovered',
          graceMs: Math.min(GRACE_MS, stopGraceMs),
        });
        return StoppedSchema.parse(answer).stopped;
      }),
  );
  return stopped.flat().sort();
}

/** Ranks whose supervisors are gone have nothing to save that would be asked for. */
const GRACE_MS = 2_000;

/** What was to be made again counts until it was made. */
function fromOf({ request, stages }: Omit<RunSurvey, 'specText'>): StageName | null {
  if (request === null || request.from === null) return null;
  const made = stages.find(({ name }) => name === request.from)?.at ?? null;
  return made !== null && Date.parse(made) >= Date.parse(request.startedAt) ? null : request.from;
}
