import { setTimeout as sleep } from 'node:timers/promises';
import { dirname } from 'node:path';
import { TemperError } from '../domain/errors.js';
import { controlQueue, runWorkflowId, scheduleOfRetrain } from '../domain/ids.js';
import { notParked } from '../domain/retrain/not-parked.js';
import { absoluteSpecText, applySets } from '../domain/spec/edit-spec.js';
import { asFlags, correctionsBetween } from '../domain/spec/corrections.js';
import { readStoredSpec, toProblem } from '../domain/spec/read-spec.js';
import { planFromText } from '../recipes/plan-from-text.js';
import type { PipelinePlan, StageName } from '../schemas/plan.js';
import {
  PauseAnswerSchema,
  ResumeAnswerSchema,
  type PipelineInput,
  type ResumeAnswer,
  type RunStatus,
  type SpecSet,
} from '../schemas/run.js';
import { askRun } from './ask-run.js';
import type { TemperClient } from './connect.js';
import { requestCancel } from './run-end.js';
import { cancelRetrain, openRetrain } from './cancel-retrain.js';
import { explainRun } from './run-evidence.js';
import { readSpecOfRun } from './run-spec.js';
import { getRunStatus, describe } from './run-status.js';

export { getRunStatus, listRuns } from './run-status.js';

/** A run to be started. */
export interface StartRequest {
  readonly specText: string;
  /** Absolute path of the spec file: relative paths in it are taken from its folder. */
  readonly file: string;
  /** Name of the run; the spec's name when null. */
  readonly run: string | null;
  /** Start another run when one of this name exists, under the name with the next free number. */
  readonly isNew: boolean;
  readonly from: StageName | null;
  readonly until: StageName | null;
  readonly sets?: readonly SpecSet[];
}

/** What a start came to. */
export interface Started {
  readonly run: string;
  /** False: a run of this name and spec exists already, and is what the status tells about. */
  readonly started: boolean;
  readonly status: RunStatus;
}

/**
 * Starts a run. The name decides: a run of the same name and spec that is open or done is answered and not started
 * twice; one with another spec is an error unless a new run is asked for; a cancelled or failed one is started again.
 */
export async function startRun(client: TemperClient, request: StartRequest): Promise<Started> {
  const { plan, specText } = planFor(request);
  const base = plan.run;
  for (let number = 1; ; number += 1) {
    const run = number === 1 ? base : `${base.slice(0, 36)}-${number}`;
    const existing = await describe(client, runWorkflowId(run));
    if (existing !== null) {
      const status = await getRunStatus(client, run);
      if (request.isNew) continue;
      const isSame = existing.memo?.['temperSpec'] === plan.specDigest;
      const isEnded = status.state === 'cancelled' || status.state === 'failed' || status.state === 'terminated';
      if (!isEnded && isSame) return answered(run, status, request);
      if (!isEnded) throw await exists(client, status, existing.memo?.['temperSpec'], specText);
    }
    const isStarted = await launch(client, run, plan, specText, request);
    if (!isStarted && request.isNew) continue;
    return { run, started: isStarted, status: await getRunStatus(client, run) };
  }
}

/** Whether this is the spec of a run, as it is now. */
export async function hasSpec(client: TemperClient, run: string, specDigest: string): Promise<boolean> {
  return (await describe(client, runWorkflowId(run)))?.memo?.['temperSpec'] === specDigest;
}

/** The run that is there already. Which stages it goes through was decided when it was started. */
function answered(run: string, status: RunStatus, { from, until }: StartRequest): Started {
  if (from === null && until === null) {
    const isPart = status.state === 'done' && status.stages.some(({ state }) => state === 'skipped');
    if (isPart) throw isShort(run, status);
    return { run, started: false, status };
  }
  throw new TemperError('RunExists', {
    where: run,
    what: `run ${run} is there already (${status.state}), so --from and --until have no effect on it`,
    fix:
      status.state === 'blocked'
        ? `temper resume ${run} --from STAGE does stages again; temper start --new starts another run`
        : 'temper start --new starts another run under the next number, which reuses what did not change',
  });
}

/** A run that --until ended has not done what a start without it asks for. */
function isShort(run: string, { stages }: RunStatus): TemperError {
  const left = stages.filter(({ state }) => state === 'skipped').map(({ name }) => name);
  return new TemperError('RunExists', {
    where: run,
    what: `run ${run} is done, but only up to ${stages.findLast(({ state }) => state !== 'skipped')?.name ?? 'its end'}`,
    why: `it was started with --until, so ${left.join(', ')} did not run`,
    fix: 'temper start --new continues from what is done, as a run under the next number',
  });
}

/** Follows a run until it is closed or blocked; every change is told. */
export async function* watchRun(
  client: TemperClient,
  run: string,
  { signal, pollMs = 1_000 }: { readonly signal?: AbortSignal; readonly pollMs?: number } = {},
): AsyncGenerator<RunStatus> {
  let told = '';
  for (;;) {
    const status = await getRunStatus(client, run);
    const isLast = status.closedAt !== null || status.state === 'blocked';
    const text = JSON.stringify(status);
    if (text !== told) {
      told = text;
      yield isLast ? await explainRun(client, status) : status;
    }
    if (isLast) return;
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * Asks a run, or a retrain by its workflow id, to end; its commands are stopped before it closes. Of a run that is done and that its retrain measures, or
 * waits for an approval of, the retrain ends: the answer is the schedule of that one, else null.
 */
export async function cancelRun(
  client: TemperClient,
  run: string,
  { by = null, why = null }: { readonly by?: string | null; readonly why?: string | null } = {},
): Promise<string | null> {
  if (scheduleOfRetrain(run) !== null) return cancelRetrain(client, run, { by, why });
  const status = await getRunStatus(client, run);
  if (status.closedAt === null) {
    await requestCancel(client, status.workflowId, { by, why });
    return null;
  }
  const retrain = await openRetrain(client, status.workflowId);
  if (retrain === null) throw isOver(run, status, 'cancel');
  await requestCancel(client, retrain, { by, why });
  return scheduleOfRetrain(retrain);
}

/** How often a run is asked to pause that says it has nothing to stop: once more, and it is at work or over. */
const PAUSE_TRIES = 2;

/** Stops what a run does and parks it; answers when everything has stopped. */
export async function pauseRun(client: TemperClient, run: string, reason: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const status = await getRunStatus(client, run);
    if (status.closedAt !== null) throw isOver(run, status, 'pause');
    if (status.state === 'blocked') return;
    // Also where an older control worker would take the request, which ends the run.
    if (status.schedule !== undefined) throw new TemperError('RunNotParked', notParked(run, status.schedule));
    if (tries === PAUSE_TRIES) throw notPaused(run);
    const { workflowId } = status;
    const arg = { v: 1, reason };
    const answer = await askRun(client, { run, workflowId, update: 'pauseRun', verb: 'pause', arg });
    if (PauseAnswerSchema.parse(answer).paused) return;
  }
}

function notPaused(run: string): TemperError {
  return new TemperError('Internal', {
    where: run,
    what: `run ${run} goes on, although it was asked to pause`,
    fix: `ask again: temper pause ${run}; temper status ${run} shows what it is doing`,
  });
}

/** Continues a blocked run, with corrections of its spec; an invalid correction leaves it blocked. */
export async function resumeRun(
  client: TemperClient,
  run: string,
  { set, from }: { readonly set: readonly SpecSet[]; readonly from: StageName | null },
): Promise<ResumeAnswer> {
  const status = await getRunStatus(client, run);
  if (status.state !== 'blocked') {
    throw new TemperError('RunNotBlocked', { where: run, what: `run ${run} is ${status.state}, not blocked` });
  }
  const { workflowId } = status;
  const arg = { v: 1, set: [...set], from };
  const answer = await askRun(client, { run, workflowId, update: 'resumeRun', verb: 'resume', arg });
  return ResumeAnswerSchema.parse(answer);
}

/** The plan of a spec file and its text with absolute paths; all problems at once as one error. */
export function planFor({ specText, file, run, sets = [] }: Pick<StartRequest, 'specText' | 'file' | 'run' | 'sets'>): {
  plan: PipelinePlan;
  specText: string;
} {
  const edited = applySets(specText, sets);
  const text = absoluteSpecText(edited.text, dirname(file));
  const planned = planFromText(text, run, []);
  if (edited.problems.length === 0 && planned.plan !== null) return { plan: planned.plan, specText: planned.specText };
  const problems = [...edited.problems.map(toProblem), ...planned.problems];
  throw new TemperError('SpecInvalid', {
    where: file,
    what: problems[0]?.what ?? 'the spec is not valid',
    evidence: problems.map(({ where, what }) => `${where ?? file}: ${what}`),
  });
}

/** Starts the workflow of a run; false when one of that name is open, or done. */
export async function launch(
  client: TemperClient,
  run: string,
  plan: PipelinePlan,
  specText: string,
  { from, until, onFailure = 'park' }: Pick<StartRequest, 'from' | 'until'> & Partial<Pick<PipelineInput, 'onFailure'>>,
): Promise<boolean> {
  const input: PipelineInput = { v: 1, run, specText, timing: client.target.timing, from, until, onFailure };
  try {
    await client.temporal.workflow.start('fineTunePipeline', {
      workflowId: runWorkflowId(run),
      taskQueue: controlQueue(plan.fleet.name),
      args: [input],
      memo: { temperSpec: plan.specDigest },
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `${plan.recipe.id}: ${run}`,
    });
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return false;
    throw error;
  }
}

function isOver(run: string, { state }: RunStatus, verb: string): TemperError {
  return new TemperError('UsageInvalid', {
    where: run,
    what: `run ${run} is ${state}: there is nothing to ${verb}`,
    fix: `temper status ${run} tells how it ended`,
  });
}

async function exists(
  client: TemperClient,
  status: RunStatus,
  digest: unknown,
  specText: string,
): Promise<TemperError> {
  const { run } = status;
  const state = status.state === 'done' ? 'is done' : `is ${status.state}`;
  return new TemperError('RunExists', {
    where: run,
    what: `run ${run} ${state}, and its spec is another one`,
    fix:
      status.state === 'blocked'
        ? `${await howToCorrect(client, { ...status, digest }, specText)}, temper start --new starts another run`
        : 'temper start --new starts another run under the next number, --run NAME under a name of its own',
  });
}

/** The corrections that make a blocked run one of this spec, where it is known which one it has now. */
async function howToCorrect(
  client: TemperClient,
  status: RunStatus & { readonly digest: unknown },
  specText: string,
): Promise<string> {
  const old = await readSpecOfRun(client, status.run, status).catch(() => null);
  const [from, to] = [old, specText].map((text) => (text === null ? null : readStoredSpec(text).spec));
  const flags = from && to ? asFlags(correctionsBetween(from, to)) : null;
  return flags === null
    ? `temper resume ${status.run} --set FIELD=VALUE corrects single fields (temper plan ${status.run} shows it as it is)`
    : `temper resume ${status.run} ${flags} makes it this one`;
}
