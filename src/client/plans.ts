import { PlanReportSchema, type PlanReport } from '../schemas/host-call.js';
import { TemperError, problem } from '../domain/errors.js';
import type { Problem } from '../schemas/problem.js';
import { offlineReport } from '../recipes/offline-report.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost } from './host-call.js';
import { getRunStatus } from './run-status.js';
import { readSpecOfRun } from './run-spec.js';
import { planFor } from './runs.js';

/** A spec to be planned. */
export interface PlanRequest {
  readonly specText: string;
  readonly file: string;
  readonly run: string | null;
}

/** What a run of this spec would do, as a live host of its fleet sees it. */
export async function planOnHost(client: TemperClient, request: PlanRequest): Promise<PlanReport> {
  const { plan, specText } = planFor(request);
  const { hosts, setAside = [] } = await getFleet(client, plan.fleet.name);
  const answer = await callAnyHost(
    client,
    plan.fleet.name,
    hosts.map(({ name }) => name),
    { v: 1, op: 'planReport', specText, plan },
  );
  const { name, hosts: needed, spares } = plan.fleet;
  const known = hosts.map((host) => host.name);
  const aside = setAside.filter(({ host }) => known.includes(host)).map(({ host, reason }) => ({ host, reason }));
  const ready = known.filter((host) => !aside.some((one) => one.host === host)).sort();
  const report = PlanReportSchema.parse(answer);
  const fleet = { name, hosts: needed, spares, ready, setAside: aside };
  const warnings = ready.length >= needed ? report.warnings : [...report.warnings, tooFew(fleet)];
  return { ...report, warnings, fleet };
}

function tooFew({ name, hosts, ready }: NonNullable<PlanReport['fleet']>): Problem {
  return problem('NoHosts', {
    where: `fleet ${name}`,
    what: `the run needs ${hosts} hosts, and ${ready.length} are there`,
    why: 'it would wait for the others, and park when they do not come',
  });
}

/** What a run would do that is there already, with its corrections: finished stages are told as reused. */
export async function planOfRun(client: TemperClient, run: string): Promise<PlanReport> {
  const specText = await readSpecOfRun(client, run, await getRunStatus(client, run));
  return planOnHost(client, { specText, file: '/spec.yaml', run });
}

/** The same without any server: stages and commands, but nothing about what is there. */
export function planOffline(request: PlanRequest): PlanReport {
  const { plan, specText } = planFor(request);
  const report = offlineReport(plan, specText);
  if (report === null) throw new TemperError('RecipeUnknown', { what: `there is no recipe ${plan.recipe.id}` });
  return report;
}
