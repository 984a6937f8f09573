import { PlanReportSchema, type PlanReport } from '../schemas/host-call.js';
import { TemperError } from '../domain/errors.js';
import { offlineReport } from '../recipes/offline-report.js';
import { RunSurveySchema } from '../schemas/recovery.js';
import { readPlaces } from './checkpoints.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost } from './host-call.js';
import { getRunStatus } from './run-status.js';
import { planFor } from './runs.js';

export interface PlanRequest {
  readonly specText: string;
  readonly file: string;
  readonly run: string | null;
}

/** What a run of this spec would do, as a live host of its fleet sees it. */
export async function planOnHost(client: TemperClient, request: PlanRequest): Promise<PlanReport> {
  const { plan, specText } = planFor(request);
  const { hosts } = await getFleet(client, plan.fleet.name);
  const answer = await callAnyHost(
    client,
    plan.fleet.name,
    hosts.map(({ name }) => name),
    { v: 1, op: 'planReport', specText, plan },
  );
  return PlanReportSchema.parse(answer);
}

/** What a run would do that is there already, with its corrections: finished stages are told as reused. */
export async function planOfRun(client: TemperClient, run: string): Promise<PlanReport> {
  const { workflowId, workflowRunId } = await getRunStatus(client, run);
  const started = await readPlaces(client, workflowId, workflowRunId);
  const { hosts } = await getFleet(client, started.fleet);
  const names = hosts.map(({ name }) => name);
  const call = { v: 1, op: 'surveyRun', workspace: started.workspace, run } as const;
  const specText = await callAnyHost(client, started.fleet, names, call).then(
    (answer) => RunSurveySchema.parse(answer).specText,
    (error: unknown) => {
      // Its folder is made once it has hosts: until then nothing was corrected.
      if (error instanceof TemperError && error.problem.code === 'RunNotFound') return started.specText;
      throw error;
    },
  );
  return planOnHost(client, { specText, file: '/spec.yaml', run });
}

/** The same without any server: stages and commands, but nothing about what is there. */
export function planOffline(request: PlanRequest): PlanReport {
  const { plan, specText } = planFor(request);
  const report = offlineReport(plan, specText);
  if (report === null) throw new TemperError('RecipeUnknown', { what: `there is no recipe ${plan.recipe.id}` });
  return report;
}
