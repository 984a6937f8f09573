import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { RunBook } from '../domain/run-book.js';
import type { HostRecord } from '../schemas/host.js';
import type { PipelinePlan, StageName, StagePlan } from '../schemas/plan.js';
import type { PipelineResult } from '../schemas/run.js';
import type { StageCall } from '../schemas/stage-calls.js';
import type { Timing } from '../schemas/timing.js';
import type { Leases } from './lease.js';
import { fleetHosts } from './open-run.js';
import { runStageAt } from './run-stage.js';

/** The stages of one try of a run, and what they need. */
export interface Walk {
  readonly plan: PipelinePlan;
  readonly selected: readonly StagePlan[];
  readonly book: RunBook;
  readonly leases: Leases;
  readonly tryNumber: number;
  readonly fresh: ReadonlySet<StageName>;
  readonly timing: Timing;
  /** Longest wait for hosts; undefined: as long as it takes. */
  readonly leaseWaitMs: number | undefined;
  readonly publish: () => void;
}

/**
 * Runs the selected stages that are not done, each as soon as what it needs is done: weights and data go side
 * by side. When one fails, those that already run are let finish, because their receipts are work saved.
 */
export async function walkStages(walk: Walk): Promise<PipelineResult> {
  const hosts = await fleetHosts(walk.plan, walk.timing, walk.leaseWaitMs);
  const started = new Map<StageName, Promise<void>>();
  for (const stage of walk.selected) {
    const needs = stage.needs.map((need) => started.get(need) ?? Promise.resolve());
    started.set(stage.name, runOne(walk, stage, needs, hosts));
  }
  const outcomes = await Promise.allSettled(started.values());
  const failure = outcomes.find((outcome) => outcome.status === 'rejected' && !(outcome.reason instanceof NeedFailed));
  if (failure?.status === 'rejected') throw failure.reason;
  return resultOf(walk);
}

/** A stage was not begun because one that it needs failed; the first failure is the one to tell. */
class NeedFailed extends Error {}

async function runOne(
  walk: Walk,
  stage: StagePlan,
  needs: readonly Promise<void>[],
  hosts: readonly HostRecord[],
): Promise<void> {
  try {
    await Promise.all(needs);
  } catch {
    throw new NeedFailed(stage.name);
  }
  if (walk.book.outcome(stage.name) !== undefined) return;
  try {
    const done = await runStageAt(walk, stage, callOf(walk, stage), hosts);
    walk.book.finish(stage.name, done);
  } catch (error) {
    walk.book.fail(stage.name, isCancellation(error) ? 'cancelled' : 'failed');
    throw error;
  } finally {
    walk.publish();
  }
}

function callOf({ plan, book, tryNumber, fresh, timing }: Walk, stage: StagePlan): StageCall {
  const needs = stage.needs.map((need) => {
    const done = book.outcome(need);
    if (done === undefined) throw new TypeError(`stage ${stage.name} begins before ${need} is done`);
    return done.ref;
  });
  const { workflowId, runId, firstExecutionRunId } = workflowInfo();
  return {
    v: 1,
    run: plan.run,
    owner: { workflowId, runId, firstRunId: firstExecutionRunId },
    workspace: plan.workspace,
    specDigest: plan.specDigest,
    stage,
    needs,
    tryNumber,
    isFresh: fresh.has(stage.name),
    timing,
  };
}

function resultOf({ plan, book }: Walk): PipelineResult {
  const facts = plan.stages.flatMap(({ name }) => {
    const done = book.outcome(name);
    return done === undefined ? [] : [[name, done.facts] as const];
  });
  return {
    v: 1,
    run: plan.run,
    workspace: plan.workspace,
    exportDir: book.outcome('export') === undefined ? null : `${plan.workspace}/runs/${plan.run}/export/hf`,
    facts: Object.fromEntries(facts),
    stages: [...book.stages],
  };
}
