import { attemptFolder, gangWorkflowId } from '../domain/ids.js';
import type { IncidentEvidence } from '../schemas/incident.js';
import type { Problem } from '../schemas/problem.js';
import type { RunStatus } from '../schemas/run.js';
import { RecordIncidentCallSchema, type RecordIncidentCall } from '../schemas/stage-calls.js';
import { readPlaces } from './checkpoints.js';
import type { TemperClient } from './connect.js';
import { problemInFailure } from './failure-problem.js';
import { decode, eventsFromEnd, type HistoryEvent } from './history.js';
import { describe } from './run-status.js';

/** What stopped a run is told by its last events; the gang of a thousand hosts has some thousands for an attempt. */
const MOST_EVENTS = 5_000;
/** As many lines as a problem holds, and as long. */
const MOST_LINES = 12;
const LINE_LENGTH = 300;

/**
 * The status with the log lines of what went wrong, which the memo has no room for: those of the problem that blocks
 * the run, and those of its last incident with the file that holds its record. All stand in histories, so that no
 * worker needs to be alive.
 */
export async function explainRun(client: TemperClient, status: RunStatus): Promise<RunStatus> {
  const { state, problem, incident } = status;
  const [lines, incidentEvidence] = await Promise.all([
    state === 'blocked' && problem !== null ? linesOfProblem(client, status, problem) : [],
    incident === undefined ? null : evidenceOfIncident(client, status),
  ]);
  return {
    ...status,
    ...(problem === null || lines.length === 0 ? {} : { problem: { ...problem, evidence: lines } }),
    ...(incidentEvidence === null ? {} : { incidentEvidence }),
  };
}

/** Those of the newest failure with the code that the run is blocked for. */
async function linesOfProblem(client: TemperClient, status: RunStatus, { code }: Problem): Promise<string[]> {
  const run = { workflowId: status.workflowId, runId: status.workflowRunId };
  const found = await findNewest(client, run, (event) => {
    const told = failureOf(event);
    return told?.code === code ? told : null;
  });
  return found?.evidence ?? [];
}

function failureOf(event: HistoryEvent): Problem | null {
  const { activityTaskFailedEventAttributes: activity, childWorkflowExecutionFailedEventAttributes: child } = event;
  return problemInFailure(activity?.failure ?? child?.failure);
}

async function evidenceOfIncident(client: TemperClient, status: RunStatus): Promise<IncidentEvidence | null> {
  const { run, workflowId, workflowRunId, incident, incidents = 1 } = status;
  const gang = await describe(client, gangWorkflowId(run));
  const newest = gang === null ? null : await findNewest(client, gang, recordedIncident);
  // The gang of a newer try knows nothing of what went wrong before it.
  const call = newest?.incident.at === incident?.at ? newest : null;
  const workspace = call?.workspace ?? (await workspaceOf(client, workflowId, workflowRunId));
  if (workspace === null) return null;
  return {
    host: incident?.host ?? null,
    rank: call?.incident.verdict.rank ?? null,
    lines: (call?.incident.verdict.evidenceLines ?? []).slice(-MOST_LINES).map((line) => line.slice(0, LINE_LENGTH)),
    file: `${workspace}/runs/${run}/incidents/${attemptFolder(incidents)}.json`,
  };
}

function recordedIncident({
  activityTaskScheduledEventAttributes: scheduled,
}: HistoryEvent): RecordIncidentCall | null {
  if (scheduled?.activityType?.name !== 'recordIncident') return null;
  const parsed = RecordIncidentCallSchema.safeParse(decode(scheduled.input?.payloads?.[0]));
  return parsed.success ? parsed.data : null;
}

async function workspaceOf(client: TemperClient, workflowId: string, runId: string): Promise<string | null> {
  return (await readPlaces(client, workflowId, runId).catch(() => null))?.workspace ?? null;
}

async function findNewest<T>(
  client: TemperClient,
  workflow: { readonly workflowId: string; readonly runId: string },
  find: (event: HistoryEvent) => T | null,
): Promise<T | null> {
  let left = MOST_EVENTS;
  for await (const event of eventsFromEnd(client, workflow)) {
    const found = find(event);
    left -= 1;
    if (found !== null || left === 0) return found;
  }
  return null;
}
