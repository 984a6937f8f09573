import { ELLIPSIS } from '../domain/text/cut-text.js';
import { errorText } from '../domain/text/error-text.js';
import { defaultPayloadConverter, type WorkflowExecutionDescription } from '@temporalio/client';
import { z } from 'zod';
import { endOf, isClosedStatus } from '../domain/closed-status.js';
import { problem, TemperError } from '../domain/errors.js';
import {
  fleetOfControlQueue,
  gangWorkflowId,
  runOfWorkflowId,
  runWorkflowId,
  scheduleOfRetrain,
} from '../domain/ids.js';
import { slowHosts } from '../domain/gang/pace.js';
import type { SlowHost } from '../schemas/pace.js';
import { ProblemSchema, type Problem } from '../schemas/problem.js';
import {
  PipelineResultSchema,
  ProgressSchema,
  RunMemoSchema,
  type PipelineResult,
  type Progress,
  type RunMemo,
  type RunState,
  type RunStatus,
} from '../schemas/run.js';
import type { TemperClient } from './connect.js';
import { triedAgain } from './failure-problem.js';
import { whyEnded } from './run-end.js';

/** State of a run, answered by the server alone: no worker needs to be alive. */
export async function getRunStatus(client: TemperClient, run: string): Promise<RunStatus> {
  const description = await describe(client, runWorkflowId(run));
  if (description === null) throw new TemperError('RunNotFound', { what: `there is no run ${run}` });
  const status = await statusOf(client, run, description);
  if (status.state !== 'blocked' || status.problem === null || !isCut(status.problem)) return status;
  return { ...status, problem: withRunName(await wholeProblem(client, run), run) ?? status.problem };
}

/** A memo has no room for long paths; half of one leads nowhere. */
function isCut({ what, fix }: Problem): boolean {
  return what.endsWith(ELLIPSIS) || fix.endsWith(ELLIPSIS);
}

/** Why a run is blocked, as its workflow knows it; null where no control worker answers. */
async function wholeProblem({ temporal, target }: TemperClient, run: string): Promise<Problem | null> {
  try {
    const answer = await temporal.connection.withDeadline(Date.now() + target.timing.callTimeoutMs, () =>
      temporal.workflow.getHandle(runWorkflowId(run)).query('getProblem'),
    );
    return ProblemSchema.nullable().parse(answer);
  } catch {
    return null;
  }
}

/** Runs, newest first. */
export async function listRuns(client: TemperClient): Promise<RunStatus[]> {
  const statuses: RunStatus[] = [];
  for await (const { workflowId } of client.temporal.workflow.list({ query: "WorkflowType = 'fineTunePipeline'" })) {
    const run = runOfWorkflowId(workflowId);
    if (run === null || statuses.some((status) => status.run === run)) continue;
    const description = await describe(client, workflowId);
    if (description !== null) statuses.push(await statusOf(client, run, description));
  }
  return statuses.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}

/** Description of a workflow, or null when there is none. */
export async function describe(client: TemperClient, workflowId: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.temporal.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}

async function statusOf(
  client: TemperClient,
  run: string,
  description: WorkflowExecutionDescription,
): Promise<RunStatus> {
  const memo = readMemo(description);
  const state = stateOf(description.status.name, memo);
  const schedule = scheduleOfRetrain(description.raw.workflowExecutionInfo?.parentExecution?.workflowId ?? '');
  const isOpen = !isClosedStatus(description.status.name);
  const pending = isOpen && state === 'running' ? await withGang(client, run, description) : [];
  const progress = readProgress(pending);
  // What runs now knows more than what the gang told last.
  const resume = progress.find((one) => one.resume !== undefined)?.resume ?? memo?.resume;
  const slow = [...slowAmong(progress), ...progress.flatMap(({ slowSaves }) => slowSaves ?? [])];
  const outcome = isOpen ? { result: null, problem: null } : await readOutcome(client, run, description);
  return {
    v: 1,
    run,
    workflowId: description.workflowId,
    workflowRunId: description.runId,
    fleet: fleetOfControlQueue(description.taskQueue),
    ...(schedule === null ? {} : { schedule }),
    state,
    stage: memo?.stage ?? null,
    problem: withRunName(
      outcome.problem ?? blockedProblem(memo) ?? unansweredProblem(pending) ?? triedAgain(pending),
      run,
    ),
    checkpoint: memo?.checkpoint ?? null,
    ettr: memo?.ettr ?? null,
    ...(memo?.incidents === undefined ? {} : { incidents: memo.incidents }),
    ...(memo?.incident === undefined ? {} : { incident: memo.incident }),
    ...(resume === undefined ? {} : { resume }),
    stages: memo?.stages ?? [],
    progress,
    ...(slow.length === 0 ? {} : { slow }),
    startedAt: description.startTime.toISOString(),
    closedAt: description.closeTime?.toISOString() ?? null,
    result: outcome.result,
  };
}

function readMemo({ memo }: WorkflowExecutionDescription): RunMemo | null {
  const parsed = RunMemoSchema.safeParse(memo?.['temper']);
  return parsed.success ? parsed.data : null;
}

function stateOf(status: string, memo: RunMemo | null): RunState {
  return status === 'COMPLETED' ? 'done' : (endOf(status) ?? memo?.state ?? 'running');
}

function blockedProblem(memo: RunMemo | null): Problem | null {
  if (memo === null || memo.reason === null) return null;
  return {
    code: memo.code ?? 'Internal',
    what: memo.reason,
    fix: memo.fix ?? '',
    retryable: false,
  };
}

/** The catalogue does not know which run it will be about: its commands say RUN. */
function withRunName(problem: Problem | null, run: string): Problem | null {
  return problem === null ? null : { ...problem, fix: problem.fix.replaceAll(/\b(temper \w+) RUN\b/g, `$1 ${run}`) };
}

/** The run and what trains for it, while that is open. */
async function withGang(
  client: TemperClient,
  run: string,
  description: WorkflowExecutionDescription,
): Promise<WorkflowExecutionDescription[]> {
  const gang = await describe(client, gangWorkflowId(run));
  return [description, ...(gang !== null && !isClosedStatus(gang.status.name) ? [gang] : [])];
}

/** A live control worker takes a task at once and needs ms for it; the server gives one that does not answer 10 s. */
const TASK_MS = 15_000;
/** A worker that was killed costs a task one try, and its successor makes the next one. */
const TASK_TRIES = 3;

/** A run whose next step no control worker does stands still, whatever its state says. */
function unansweredProblem(open: readonly WorkflowExecutionDescription[]): Problem | null {
  const idle = open.find(({ raw: { pendingWorkflowTask: task } }) => {
    const waitedMs = task?.scheduledTime ? Date.now() - Number(task.scheduledTime.seconds) * 1000 : 0;
    return waitedMs > TASK_MS || (task?.attempt ?? 1) >= TASK_TRIES;
  });
  if (idle === undefined) return null;
  const fleet = fleetOfControlQueue(idle.taskQueue) ?? 'default';
  return problem('Unreachable', {
    where: `queue ${idle.taskQueue}`,
    what: 'no control worker does the next step of the run',
    fix: `start one with temper worker --role control${fleet === 'default' ? '' : ` --fleet ${fleet}`}; read the log of one that runs`,
  });
}

/** Newest heartbeats of what runs now. */
function readProgress(open: readonly WorkflowExecutionDescription[]): Progress[] {
  const pending = open.flatMap(({ raw }) => raw.pendingActivities ?? []);
  return pending.flatMap(({ heartbeatDetails }) => {
    const payload = heartbeatDetails?.payloads?.[0];
    if (payload === undefined || payload === null) return [];
    const parsed = ProgressSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
    return parsed.success ? [parsed.data] : [];
  });
}

/** Only between iterations: in a save, ranks without a part of it wait for the others and nothing is wrong. */
function slowAmong(progress: readonly Progress[]): SlowHost[] {
  const isTraining = progress.some(({ iteration }) => iteration !== undefined);
  if (!isTraining || progress.some(({ phase }) => phase === 'saving')) return [];
  return slowHosts(progress.flatMap(({ host, pace }) => (pace === undefined ? [] : [{ host, pace }])));
}

async function readOutcome(
  client: TemperClient,
  run: string,
  description: WorkflowExecutionDescription,
): Promise<{ result: PipelineResult | null; problem: Problem | null }> {
  const ended = await whyEnded(client, run, description);
  if (ended !== null) return { result: null, problem: ended };
  const { workflowId, runId } = description;
  try {
    const result: unknown = await client.temporal.workflow.getHandle(workflowId, runId).result();
    return { result: PipelineResultSchema.parse(result), problem: null };
  } catch (error) {
    return { result: null, problem: problemOf(error) };
  }
}

const FailureSchema = z.object({ details: z.array(z.unknown()).nullish() });

function problemOf(error: unknown): Problem {
  const cause = error instanceof Error ? error.cause : undefined;
  const failure = FailureSchema.safeParse(cause);
  const parsed = ProblemSchema.safeParse(failure.success ? failure.data.details?.[0] : undefined);
  if (parsed.success) return parsed.data;
  return problem('Internal', {
    what: cause instanceof Error ? cause.message : errorText(error),
  });
}
