import { TemperError } from '../domain/errors.js';
import { readLedger } from '../host/ledger/store.js';
import { allAttempts } from '../host/run/attempts.js';
import { readIncidents } from '../host/run/incidents.js';
import { readPlan, readRequest, readSpecOf, readStageRecord, runDir } from '../host/run/run-folder.js';
import type { Ledger } from '../schemas/ledger.js';
import type { PipelinePlan } from '../schemas/plan.js';
import type { RunSurvey } from '../schemas/recovery.js';
import { findOutputs, toolsFor } from './plan-report.js';
import type { StageHost } from './stage-host.js';

/** What the folder of a run tells about it, for a run that Temporal has lost. Reads only. */
export async function surveyRun(host: StageHost, workspace: string, run: string): Promise<RunSurvey> {
  const root = runDir(workspace, run);
  const plan = await readPlan(workspace, run);
  if (plan === null) {
    throw new TemperError('RunNotFound', {
      where: root,
      what: `the workspace has no folder of a run ${run}, as ${host.name} sees it`,
      fix: 'give the workspace of its spec: temper recover RUN --workspace DIR',
    });
  }
  const { spec, text } = await readSpecOf(workspace, run, plan.specDigest);
  const attempts = await allAttempts(workspace, run);
  const newest = attempts.at(-1);
  const ledger = await readLedger(root);
  return {
    v: 1,
    run,
    workspace,
    host: host.name,
    fleet: plan.fleet.name,
    recipe: plan.recipe.id,
    specText: text,
    specDigest: plan.specDigest,
    request: await readRequest(workspace, run),
    stages: await surveyStages(host, plan, spec),
    attempt:
      newest === undefined
        ? null
        : { number: newest.attempt, hosts: newest.hosts, loadIteration: newest.load.iteration, at: newest.at },
    checkpoint: newest === undefined ? null : newestProven(ledger, newest.key),
    iterations: spec.train.iterations,
    incidents: (await readIncidents(workspace, run)).length,
  };
}

async function surveyStages(
  host: StageHost,
  plan: PipelinePlan,
  spec: Parameters<typeof toolsFor>[2],
): Promise<RunSurvey['stages']> {
  const tools = toolsFor(host, plan, spec);
  const { refs } = await findOutputs(host, plan, tools);
  return Promise.all(
    plan.stages.map(async ({ name }) => ({
      name,
      isDone: refs.has(name),
      at: (await readStageRecord(plan.workspace, plan.run, name))?.at ?? null,
    })),
  );
}

/** By the ledger alone: whether it still is what was proven is looked at when it is loaded. */
function newestProven({ checkpoints }: Ledger, key: string): RunSurvey['checkpoint'] {
  const usable = checkpoints.filter((entry) => entry.key === key && entry.removedAt === null && entry.refused === null);
  const [best] = usable.toSorted((a, b) => b.iteration - a.iteration || b.attempt - a.attempt);
  return best === undefined ? null : { iteration: best.iteration, attempt: best.attempt };
}
