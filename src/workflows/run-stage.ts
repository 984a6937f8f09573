import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { assertNever } from '../domain/assert-never.js';
import { differingLocks } from '../domain/environment-lock.js';
import { problem } from '../domain/errors.js';
import { gangWorkflowId, stageActivityId } from '../domain/ids.js';
import { inParallel } from '../domain/in-parallel.js';
import type { StagePlace } from '../domain/run-book.js';
import type { HostRecord } from '../schemas/host.js';
import type { StagePlan } from '../schemas/plan.js';
import type { EnvironmentAnswer, StageCall, StageDone } from '../schemas/stage-calls.js';
import { callActivities, workActivities } from './activity-options.js';
import { atHost } from './at-host.js';
import { firstAnswer } from './open-run.js';
import { trainGang } from './train-gang.js';
import type { Walk } from './walk-stages.js';

/** Runs one stage where its placement says. */
export async function runStageAt(
  walk: Walk,
  stage: StagePlan,
  call: StageCall,
  hosts: readonly HostRecord[],
): Promise<StageDone> {
  const { placement } = stage;
  switch (placement) {
    case 'everyHost':
      return ensureEnvironments(walk, call, hosts);
    case 'anyHost': {
      const { host, answer } = await lookUp(walk, call, hosts);
      return answer.done ?? produce(walk, call, host);
    }
    case 'oneHost': {
      const { answer } = await lookUp(walk, call, hosts);
      if (answer.done !== null) return answer.done;
      begin(walk, call, 'waiting');
      const wish = { count: 1, waitMs: walk.leaseWaitMs };
      return walk.leases.withHosts(walk.plan.fleet.name, wish, ({ hosts: [host] }) => {
        if (host === undefined) throw new TypeError('a lease of one host holds none');
        return produce(walk, call, host.name);
      });
    }
    case 'gang': {
      const { answer } = await lookUp(walk, call, hosts);
      return answer.done ?? runGang(walk, call, hosts);
    }
    default:
      return assertNever(placement);
  }
}

/** Asks the store for a proven output before a host is taken for the stage. */
function lookUp(walk: Walk, call: StageCall, hosts: readonly HostRecord[]) {
  return firstAnswer(hosts, walk.plan.fleet.name, walk.timing, (activities) => activities.lookUpStage(call));
}

async function produce(walk: Walk, call: StageCall, host: string): Promise<StageDone> {
  begin(walk, call, 'running', { host });
  const { stage, tryNumber, timing } = call;
  const { fleet } = walk.plan;
  try {
    const { runStage } = workActivities({
      timing,
      fleet: fleet.name,
      host,
      activityId: stageActivityId(stage.name, tryNumber),
      summary: stage.title,
      timeoutMs: stage.timeoutMs,
    });
    return await atHost(host, runStage(call));
  } catch (error) {
    // A host that fell silent, or ran out of time, left its claim and perhaps its command: nothing of a parked run
    // may stand in the way of another. When the host cannot be told, the next try takes the claim over.
    const quick = { ...timing, scheduleToStartMs: timing.callTimeoutMs };
    const release = (): Promise<void> => callActivities(quick, fleet.name, host).releaseClaim(call);
    await CancellationScope.nonCancellable(release).catch(() => undefined);
    throw error;
  }
}

async function ensureEnvironments(walk: Walk, call: StageCall, hosts: readonly HostRecord[]): Promise<StageDone> {
  begin(walk, call, 'running', { hosts: hosts.length });
  const startedAt = Date.now();
  const { stage, tryNumber, timing } = call;
  const answers = await inParallel(hosts, ({ name }) =>
    atHost(
      name,
      workActivities({
        timing,
        fleet: walk.plan.fleet.name,
        host: name,
        activityId: stageActivityId(stage.name, tryNumber, name),
        summary: `${stage.title}: ${name}`,
        timeoutMs: stage.timeoutMs,
      }).ensureEnvironment(call),
    ),
  );
  const [first] = answers;
  if (first === undefined) throw new TypeError('a fleet without hosts passed the wait for hosts');
  const differences = differingLocks(answers);
  if (differences.length > 0) {
    const facts = problem('EnvironmentsDiffer', {
      what: `the hosts' software differs: ${differences.slice(0, 5).join('; ')}`,
      why: 'ranks with different versions fail late or compute different things',
    });
    throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
  }
  return {
    v: 1,
    ref: { stage: stage.name, key: first.digest, digest: first.digest },
    reused: answers.every(({ reused }) => reused),
    host: first.host,
    durationMs: Date.now() - startedAt,
    facts: { hosts: answers.length, ...first.lock, ...noted(answers) },
  };
}

/** Warnings of the hosts, each once; status and report show them with the facts of the stage. */
function noted(answers: readonly EnvironmentAnswer[]): StageDone['facts'] {
  const warnings = [...new Set(answers.flatMap((answer) => answer.warnings ?? []))];
  return Object.fromEntries(warnings.map((text, index) => [`warning ${index + 1}`, text]));
}

/** The gang is a child workflow, because its restarts would fill the history of the run. */
function runGang(walk: Walk, call: StageCall, hosts: readonly HostRecord[]): Promise<StageDone> {
  begin(walk, call, 'running', { hosts: walk.plan.fleet.hosts });
  const environment = walk.book.outcome('environment');
  return executeChild(trainGang, {
    workflowId: gangWorkflowId(call.run),
    args: [
      {
        v: 1,
        fleet: walk.plan.fleet.name,
        hosts: walk.plan.fleet.hosts,
        call,
        probeHosts: hosts.map(({ name }) => name),
        environmentDigest: environment?.ref.digest ?? '',
        spares: walk.plan.fleet.spares,
        recovery: walk.plan.recovery,
        ...(walk.leaseWaitMs === undefined ? {} : { leaseWaitMs: walk.leaseWaitMs }),
      },
    ],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `training of ${workflowInfo().workflowId}`,
  });
}

function begin(walk: Walk, call: StageCall, state: 'running' | 'waiting', where: StagePlace = {}): void {
  walk.book.begin(call.stage.name, state, new Date().toISOString(), where);
  walk.publish();
}
