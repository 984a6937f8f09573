import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { problem } from '../domain/errors.js';
import { stageActivityId, trainActivityId } from '../domain/ids.js';
import type { LeaseGrant } from '../schemas/fleet-calls.js';
import type { GangInput, NodeDone, StageDone, TrainCall } from '../schemas/stage-calls.js';
import { callActivities, workActivities } from './activity-options.js';
import { receiveLeases } from './lease.js';

/**
 * Training of one run on a gang of hosts: claim the output, lease the hosts, check them, open an attempt in the
 * workspace, run all nodes, and prove the last checkpoint. The first node that fails stops the others.
 */
export async function trainGang(input: GangInput): Promise<StageDone> {
  const leases = receiveLeases();
  return leases.withHosts(input.fleet, input.hosts, (grant) => trainOn(input, grant));
}

async function trainOn(input: GangInput, { hosts, lease }: LeaseGrant): Promise<StageDone> {
  const [first] = hosts;
  if (first === undefined) throw new TypeError('a lease holds no hosts');
  const { call, fleet } = input;
  const claimed = await workOn(input, first.name, 'claim').claimTraining(call);
  if (claimed.done !== null) return claimed.done;
  try {
    await checkEnvironments(input, hosts);
    const attempt = await callActivities(call.timing, fleet, first.name).openAttempt({ ...call, lease, hosts });
    const calls = hosts.map((_, nodeRank): TrainCall => ({ ...call, attempt, lease, nodeRank, hosts }));
    const nodes = attempt.lastIteration === null ? await runNodes(input, calls) : [];
    const [seal] = calls;
    if (seal === undefined) throw new TypeError('a gang has no first node');
    return await workOn(input, first.name, 'seal').sealTraining({ ...seal, nodes });
  } catch (error) {
    await CancellationScope.nonCancellable(() => callActivities(call.timing, fleet, first.name).releaseClaim(call));
    throw error;
  }
}

/** Whoever takes a host makes sure of its software, and it must be the one that the run was planned with. */
async function checkEnvironments(input: GangInput, hosts: LeaseGrant['hosts']): Promise<void> {
  const answers = await Promise.all(
    hosts.map(({ name }) => workOn(input, name, 'environment').ensureEnvironment(input.call)),
  );
  const odd = answers.filter(({ digest }) => digest !== input.environmentDigest);
  if (odd.length === 0) return;
  const facts = problem('EnvironmentsDiffer', {
    what: `the software of ${odd.map(({ host }) => host).join(', ')} changed since the environment stage`,
  });
  throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}

/** Runs all nodes; when one fails, the others are stopped by direct calls, since cancelling alone takes seconds. */
async function runNodes(input: GangInput, calls: readonly TrainCall[]): Promise<NodeDone[]> {
  const running = calls.map((call) =>
    workActivities({
      timing: call.timing,
      fleet: input.fleet,
      host: hostOf(call),
      activityId: trainActivityId(call.attempt.attempt, call.nodeRank),
      summary: `train attempt ${call.attempt.attempt}, node ${call.nodeRank}`,
      timeoutMs: call.stage.timeoutMs,
    }).trainNode(call),
  );
  try {
    return await Promise.all(running);
  } catch (error) {
    await CancellationScope.nonCancellable(() => stopNodes(input, calls));
    const outcomes = await CancellationScope.nonCancellable(() => Promise.allSettled(running));
    // The node that failed by itself says more than those that were stopped because of it.
    const causes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    throw isCancellation(error) ? error : (causes.find((cause) => cause === error) ?? error);
  }
}

/** A host that cannot be told is not waited for: its own activity times out, and the fence keeps it from harm. */
async function stopNodes(input: GangInput, calls: readonly TrainCall[]): Promise<void> {
  const quick = { ...input.call.timing, scheduleToStartMs: input.call.timing.callTimeoutMs };
  await Promise.allSettled(calls.map((call) => callActivities(quick, input.fleet, hostOf(call)).stopNode(call)));
}

function hostOf({ hosts, nodeRank }: TrainCall): string {
  const host = hosts[nodeRank];
  if (host === undefined) throw new TypeError(`a gang of ${hosts.length} hosts has no node ${nodeRank}`);
  return host.name;
}

function workOn({ call, fleet }: GangInput, host: string, verb: string) {
  return workActivities({
    timing: call.timing,
    fleet,
    host,
    activityId: stageActivityId(`${call.stage.name}-${verb}`, call.tryNumber, host),
    summary: `${verb}: ${host}`,
    timeoutMs: call.stage.timeoutMs,
  });
}
