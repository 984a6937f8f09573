import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  patched,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { formatProblem, problem } from '../domain/errors.js';
import { runWorkflowId } from '../domain/ids.js';
import { retrainRun } from '../domain/retrain/run-name.js';
import { beginningMemo } from '../domain/retrain/memo.js';
import { judge } from '../domain/retrain/gate.js';
import { withoutResume } from '../domain/retrain/without-resume.js';
import { cutToBytes } from '../domain/text/cut-text.js';
import type {
  ApproveRequest,
  EvaluateAnswer,
  RetrainInput,
  RetrainMemo,
  RetrainResult,
  ResolveAnswer,
} from '../schemas/retrain.js';
import { fineTunePipeline } from './fine-tune-pipeline.js';
import { approveRetrainUpdate } from './messages.js';
import { receiveLeases, type Leases } from './lease.js';
import { problemOf } from './problem-of.js';
import { onAHost, onOneOf } from './retrain/on-a-host.js';

const HOUR_MS = 3_600_000;
/** The hashing of the inputs has a limit of its own, which grows with their bytes; this one is of a mount that hangs. */
const RESOLVE_MS = 24 * HOUR_MS;
const LEASE_WAIT_MS = 12 * HOUR_MS;
/** Reasons carry the numbers of at most twenty rules; memos are small. */
const REASON_BYTES = 1_000;

/**
 * One retrain of a schedule: the inputs of the day, the pipeline as a child, evaluation, gate, promotion. It completes
 * with its reason when there was nothing to train or the model was not good enough, fails when something failed, and
 * never waits for a person longer than the schedule allows.
 */
export async function scheduledRetrain(input: RetrainInput): Promise<RetrainResult> {
  const memo = new Memo(input);
  const approvals = receiveApprovals(() => memo.state === 'approval');
  const leases = receiveLeases();
  const end = (result: RetrainResult): RetrainResult => {
    memo.set({ state: result.outcome, phase: 'done', reason: result.reason });
    return result;
  };
  try {
    return end(await retrain(input, memo, approvals, leases));
  } catch (error) {
    // A cancelled retrain is no failure: the schedule goes on.
    if (isCancellation(error)) throw error;
    const facts = withoutResume(problemOf(error, input.schedule), input.schedule);
    // Nor is one for which no hosts came in time.
    if (facts.code === 'HostsBusy' || facts.code === 'NoHosts')
      return end(resultOf('skipped', formatProblem(facts), { run: memo.run }));
    memo.set({ state: 'failed', phase: 'done', reason: formatProblem(facts) });
    throw ApplicationFailure.nonRetryable(formatProblem(facts), facts.code, facts);
  }
}

async function retrain(input: RetrainInput, memo: Memo, approvals: Approvals, leases: Leases): Promise<RetrainResult> {
  const at = scheduledTime();
  const run = retrainRun(input.schedule, at);
  const day = await onAHost(work(input, 'resolve', 'resolve the inputs of the day', RESOLVE_MS), (host) =>
    host.resolveRetrain({ v: 1, input, at, startedAt: workflowInfo().startTime.toISOString() }),
  );
  const startedFrom = input.startFrom === 'promoted' ? day.promoted : null;
  const end = (outcome: RetrainResult['outcome'], reason: string, more: Partial<RetrainResult> = {}): RetrainResult =>
    resultOf(outcome, reason, { startedFrom, ...more });
  if (day.skip !== null) return end('skipped', day.skip);

  memo.set({ run, phase: 'training' });
  if ((await runPipeline(input, run, day.specText)) === 'cancelled')
    return end('refused', `run ${run} was cancelled`, { run });

  memo.set({ phase: 'evaluating' });
  const measured = await evaluate(input, { run, startedFrom, ...day }, leases);
  const numbers = { run, metrics: measured.candidate, promotedMetrics: measured.promoted };
  const verdict = judge(input.gate, { candidate: measured.candidate, promoted: measured.promoted });
  const why = verdict.reasons.join('; ');
  if (!verdict.isPassed) return end('refused', why, numbers);

  let by = `schedule ${input.schedule}`;
  if (input.approvalMs !== null) {
    memo.set({ state: 'approval', phase: `waiting for temper approve ${run}`, reason: why });
    const answer = await approvals.wait(input.approvalMs);
    if (answer === null) return end('refused', `nobody approved within ${input.approvalMs / 1_000} s; ${why}`, numbers);
    if (!answer.isApproved) return end('refused', `${answer.by} refused: ${answer.reason}`, numbers);
    by = `${by}, approved by ${answer.by}`;
    memo.set({ state: 'running' });
  }

  memo.set({ phase: 'promoting' });
  const promoted = await onAHost(work(input, 'promote', 'promote the model', HOUR_MS), (host) =>
    host.promoteModel({
      ...{
        v: 1,
        workspace: input.workspace,
        model: input.model,
        run,
        token: workflowInfo().runId,
        expected: day.promoted,
      },
      ...{ fingerprint: day.fingerprint, startedFrom, metrics: measured.candidate, by, keep: input.keep },
      why: cutToBytes(why, REASON_BYTES),
    }),
  );
  if (!promoted.isPromoted) return end('refused', promoted.why ?? 'it was not promoted', numbers);
  const given = promoted.removed.length === 0 ? '' : `; gave up model ${promoted.removed.join(', ')}`;
  return end('promoted', `${why}${given}`, { ...numbers, version: promoted.version });
}

function resultOf(outcome: RetrainResult['outcome'], reason: string, more: Partial<RetrainResult>): RetrainResult {
  const none = { run: null, version: null, startedFrom: null, metrics: null, promotedMetrics: null };
  return { v: 1, outcome, reason: cutToBytes(reason, REASON_BYTES), ...none, ...more };
}

/** The only clock of a retrain: a backfill of last week reads the data of last week. */
function scheduledTime(): string {
  const [at] = workflowInfo().searchAttributes['TemporalScheduledStartTime'] ?? [];
  if (at instanceof Date) return at.toISOString();
  const facts = problem('UsageInvalid', {
    what: 'a retrain was started without a schedule, so that it has no time whose data it could use',
    fix: 'temper schedule trigger NAME starts one now, temper schedule backfill one of another time',
  });
  throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}

/** A run that a person cancelled is no failure of the schedule. */
async function runPipeline(input: RetrainInput, run: string, specText: string): Promise<'done' | 'cancelled'> {
  const { timing, leaseWaitMs = LEASE_WAIT_MS } = input;
  try {
    await executeChild(fineTunePipeline, {
      workflowId: runWorkflowId(run),
      args: [{ v: 1, run, specText, timing, from: null, until: null, onFailure: 'fail', leaseWaitMs }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      // A date that is filled in again is done again: most of it comes from the store.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `retrain of schedule ${input.schedule}`,
    });
    return 'done';
  } catch (error) {
    if (isCancellation(error) && !CancellationScope.current().consideredCancelled) return 'cancelled';
    throw error;
  }
}

interface Candidate extends Pick<ResolveAnswer, 'promoted' | 'fingerprint'> {
  readonly run: string;
  readonly startedFrom: number | null;
}

/** A command may use devices, so it gets a host of its own, as the stages with devices do. */
async function evaluate(
  input: RetrainInput,
  { run, promoted, fingerprint, startedFrom }: Candidate,
  leases: Leases,
): Promise<EvaluateAnswer> {
  const { workspace, model, evaluation, evaluationMs, fleet, timing } = input;
  const { workflowId, runId, firstExecutionRunId } = workflowInfo();
  const owner = { workflowId, runId, firstRunId: firstExecutionRunId };
  // Both models, one after the other, and the start of their commands.
  const timeoutMs = 2 * evaluationMs + timing.stallStartMs;
  const measuring = work(input, 'evaluate', 'measure the model and the promoted one', timeoutMs);
  const measure: Parameters<typeof onAHost<EvaluateAnswer>>[1] = (host) =>
    host.evaluateModels({
      ...{ v: 1, workspace, run, model, promoted, owner, evaluation, fingerprint, startedFrom, timing },
    });
  if (evaluation.by === 'recipe' || !patched('lease-for-evaluation')) return onAHost(measuring, measure);
  const wish = { count: 1, waitMs: input.leaseWaitMs ?? LEASE_WAIT_MS };
  return leases.withHosts(fleet, wish, ({ hosts }) => onOneOf(hosts, measuring, measure));
}

function work(
  { fleet, timing, leaseWaitMs = LEASE_WAIT_MS }: RetrainInput,
  activityId: string,
  summary: string,
  timeoutMs: number,
) {
  // Workers that are starting need seconds, whatever the schedule says of free hosts.
  const waitMs = Math.max(timing.scheduleToStartMs, leaseWaitMs);
  return { fleet, timing, waitMs, activityId, summary, timeoutMs };
}

interface Approvals {
  /** The first answer, or null when none came in time. */
  wait(limitMs: number): Promise<ApproveRequest | null>;
}

function receiveApprovals(isWanted: () => boolean): Approvals {
  let answer: ApproveRequest | null = null;
  setHandler(
    approveRetrainUpdate,
    (request: ApproveRequest) => {
      answer ??= request;
      return { v: 1 as const, isTaken: answer === request };
    },
    {
      validator: (_request: ApproveRequest) => {
        if (isWanted() && answer === null) return;
        const facts = problem('ApprovalNotAwaited', { what: 'this retrain waits for no approval now' });
        throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
      },
    },
  );
  return {
    async wait(limitMs) {
      await condition(() => answer !== null, limitMs);
      return answer;
    },
  };
}

/** What `describe()` tells while and after it runs. */
class Memo {
  #memo: RetrainMemo;

  constructor(input: RetrainInput) {
    this.#memo = beginningMemo(input);
  }

  get state(): RetrainMemo['state'] {
    return this.#memo.state;
  }

  get run(): RetrainMemo['run'] {
    return this.#memo.run;
  }

  set(change: Partial<RetrainMemo>): void {
    const reason = change.reason ?? this.#memo.reason;
    this.#memo = { ...this.#memo, ...change, reason: reason === null ? null : cutToBytes(reason, REASON_BYTES) };
    upsertMemo({ temperRetrain: this.#memo });
  }
}
