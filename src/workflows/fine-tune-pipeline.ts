import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { formatProblem, problem } from '../domain/errors.js';
import { scheduleOfRetrain } from '../domain/ids.js';
import { notParked } from '../domain/retrain/not-parked.js';
import { withoutResume } from '../domain/retrain/without-resume.js';
import { RunBook } from '../domain/run-book.js';
import { changedStages, selectedStages, withDependents } from '../domain/stages.js';
import type { PipelinePlan, StageName } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { PipelineInput, PipelineResult, ResumeAnswer, ResumeRequest } from '../schemas/run.js';
import { controlActivities } from './activity-options.js';
import { receiveLeases } from './lease.js';
import { gangReportedSignal, getProblemQuery, getRunQuery, pauseRunUpdate, resumeRunUpdate } from './messages.js';
import { openRunFolder } from './open-run.js';
import { problemOf } from './problem-of.js';
import { walkStages } from './walk-stages.js';

/**
 * One run from spec to exported model. It walks the plan, parks on failure until a person resumes it, and keeps
 * its whole state in the memo, so that `describe()` alone answers `status`.
 */
export async function fineTunePipeline(input: PipelineInput): Promise<PipelineResult> {
  const book = new RunBook();
  const leases = receiveLeases();
  let specText = input.specText;
  let plan: PipelinePlan | null = null;
  let fresh = new Set<StageName>();
  let tryNumber = 0;
  let resumed = false;
  let isResuming = false;
  let running: CancellationScope | null = null;
  let pauseReason: string | null = null;
  let isPausedEarly = false;

  const publish = (): void =>
    upsertMemo({ temper: book.memo(), ...(plan === null ? {} : { temperSpec: plan.specDigest }) });

  setHandler(getRunQuery, () => book.memo());
  setHandler(getProblemQuery, () => book.problem);
  setHandler(gangReportedSignal, (report) => {
    book.gang(report);
    publish();
  });
  setHandler(
    resumeRunUpdate,
    async ({ set, from }: ResumeRequest): Promise<ResumeAnswer> => {
      isResuming = true;
      const planned = controlActivities(input.timing).planPipeline({ v: 1, run: input.run, specText, set });
      const answer = await planned.finally(() => (isResuming = false));
      if (answer.plan === null) return { v: 1, resumed: false, problems: answer.problems, invalidated: [] };
      const changed = plan === null ? [] : changedStages(plan, answer.plan);
      // Without a plan so far, what the start asked for is still to be done.
      const wanted = from ?? (plan === null ? input.from : null);
      const again = wanted === null ? [] : withDependents(answer.plan, new Set([wanted]));
      const invalidated = [...new Set([...changed, ...again])].filter((name) => book.doneStages.includes(name));
      specText = answer.specText;
      plan = answer.plan;
      fresh = new Set([...fresh, ...again]);
      book.plan(plan.stages, [...changed, ...again]);
      resumed = true;
      return { v: 1, resumed: true, problems: [], invalidated };
    },
    {
      validator: (_request: ResumeRequest) => {
        // A second correction would start from the spec before the first, and undo it.
        const isAsked = isResuming || resumed;
        if (book.isBlocked && !isAsked) return;
        const what = isAsked ? `run ${input.run} is being resumed` : `run ${input.run} is not blocked`;
        const facts = problem('RunNotBlocked', { what, where: input.run });
        throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
      },
    },
  );
  setHandler(
    pauseRunUpdate,
    async ({ reason }) => {
      if (book.isBlocked) return { v: 1, paused: true };
      pauseReason = reason;
      // What comes with the first task finds no try to cancel yet: the first one begins cancelled.
      if (running === null) isPausedEarly = patched('pause-before-the-first-try');
      running?.cancel();
      await condition(() => book.isBlocked || (running === null && !isPausedEarly));
      return { v: 1, paused: book.isBlocked };
    },
    {
      // Validators are not run in a replay: a pause that an older worker took stays taken.
      validator: (_request: { v: 1; reason: string }) => {
        if (input.onFailure !== 'fail') return;
        const schedule = scheduleOfRetrain(workflowInfo().parent?.workflowId ?? '');
        const facts = problem('RunNotParked', notParked(input.run, schedule));
        throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
      },
    },
  );

  for (;;) {
    tryNumber += 1;
    book.run();
    publish();
    try {
      running = new CancellationScope();
      if (isPausedEarly) running.cancel();
      const result = await running.run(async () => {
        if (plan === null) {
          plan = await makePlan(input, specText);
          if (input.from !== null) fresh = new Set(withDependents(plan, new Set([input.from])));
          book.plan(plan.stages, []);
        }
        const selected = selectedStages(plan, input.until);
        const toRun = selected.map(({ name }) => name).filter((name) => book.outcome(name) === undefined);
        await openRunFolder(plan, specText, input, toRun);
        book.skip(plan.stages.filter((stage) => !selected.includes(stage)).map(({ name }) => name));
        const { timing, leaseWaitMs } = input;
        return walkStages({ plan, selected, book, leases, tryNumber, fresh, timing, leaseWaitMs, publish });
      });
      book.end('done');
      publish();
      return result;
    } catch (error) {
      const failure = describeFailure(error, pauseReason, input.run);
      if (failure === null) {
        book.end('cancelled');
        publish();
        throw error;
      }
      if (input.onFailure === 'fail') {
        const final = withoutResume(failure, scheduleOfRetrain(workflowInfo().parent?.workflowId ?? ''));
        book.end('failed', final);
        publish();
        throw ApplicationFailure.nonRetryable(formatProblem(final), final.code, final);
      }
      book.block(failure);
      publish();
    } finally {
      running = null;
      pauseReason = null;
      isPausedEarly = false;
    }
    await condition(() => resumed);
    resumed = false;
  }
}

/** Null: the workflow itself was cancelled, and closes as cancelled. */
function describeFailure(error: unknown, pauseReason: string | null, run: string): Problem | null {
  if (pauseReason !== null) return problem('Paused', { what: `stopped on request: ${pauseReason}` });
  if (isCancellation(error) && CancellationScope.current().consideredCancelled) return null;
  return problemOf(error, run);
}

async function makePlan(input: PipelineInput, specText: string): Promise<PipelinePlan> {
  const answer = await controlActivities(input.timing).planPipeline({ v: 1, run: input.run, specText, set: [] });
  if (answer.plan !== null) return answer.plan;
  const [first] = answer.problems;
  const facts = problem('SpecInvalid', {
    what: `the spec has ${answer.problems.length} problems`,
    ...(first === undefined ? {} : { why: formatProblem(first) }),
    evidence: answer.problems.map(formatProblem),
  });
  throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}
