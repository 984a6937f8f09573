import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  patched,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import { trainActivityId } from '../../domain/ids.js';
import type { GangInput, NodeDone } from '../../schemas/stage-calls.js';
import { workActivities } from '../activity-options.js';
import { newestOf, type GangProgress } from '../../domain/gang/gang-progress.js';
import { CALLS, inParallel } from '../../domain/in-parallel.js';
import { isUnanswered, NodeFailure, quickCalls, type Node } from './gang.js';
import type { Silence } from './silence.js';

/** How a host's part of a failed attempt ended: proven dead, unreachable, or with processes that cannot be ended. */
export type NodeEnd = 'dead' | 'lost' | 'unfit';

/** What the nodes of an attempt came to. */
export type NodesOutcome =
  | { readonly kind: 'done'; readonly nodes: readonly NodeDone[] }
  | {
      readonly kind: 'failed';
      readonly failure: NodeFailure;
      readonly knownAtMs: number;
      readonly ends: ReadonlyMap<string, NodeEnd>;
    };

/** Ranks of a broken gang have nothing to finish: their peers are gone. */
const FAULT_GRACE_MS = 2_000;

/**
 * Between two groups of supervisors that are started: the embedded server hands out some hundred tasks a second, so each
 * group finds the one before it taken up.
 */
const GROUP_MS = 200;

/** Supervisors of ranks that are dead look at their keepers every few seconds. */
const LATE_MS = 10_000;

/**
 * Runs all nodes of an attempt. When one fails, the others are stopped by direct calls, since cancelling alone takes
 * seconds, and the answer comes when every rank is proven dead or its host is lost. Throws only when cancelled.
 */
export async function runNodes(input: GangInput, nodes: readonly Node[], silence: Silence): Promise<NodesOutcome> {
  const isPatched = patched('supervisors-in-groups');
  const turns = isPatched ? turnsOf(nodes) : [];
  let isOver = false;
  const running = nodes.map((node, index) => {
    const scope = new CancellationScope();
    const supervise = async (): Promise<NodeDone> => {
      const turn = turns[Math.floor(index / CALLS)];
      if (turn !== undefined) await turn;
      if (isOver) throw new CancelledFailure('the attempt ended before this node was started');
      return superviseNode(input, node, silence, isPatched);
    };
    return { node, scope, done: scope.run(supervise) };
  });
  silence.watch(() => progressOf(input, nodes, silence));
  try {
    return { kind: 'done', nodes: await Promise.all(running.map(({ done }) => done)) };
  } catch (error) {
    const knownAtMs = Date.now();
    isOver = true;
    silence.watch(null);
    const isAsked = CancellationScope.current().consideredCancelled;
    if (isAsked) silence.hurry();
    const ends = await CancellationScope.nonCancellable(async () => {
      const reason = isAsked ? 'cancelled' : 'a node of the gang failed';
      const stopped = await stopNodes(
        input,
        nodes,
        silence,
        reason,
        isAsked ? input.call.timing.stopGraceMs : FAULT_GRACE_MS,
      );
      // Nobody will answer for a lost host: its supervisor ends when the server notices.
      for (const { node, scope } of running) if (stopped.get(node.host) !== 'dead') scope.cancel();
      const ended = Promise.allSettled(running.map(({ done }) => done));
      if (patched('end-late-supervisors')) await cancelLate(ended, running);
      await ended;
      return stopped;
    });
    if (isAsked || !(error instanceof NodeFailure)) throw error;
    return { kind: 'failed', failure: error, knownAtMs, ends };
  }
}

/**
 * A supervisor whose keeper came up after the stop, which found nothing there, would train alone: it is cancelled, and
 * ends its ranks itself. Those that were stopped end before that.
 */
async function cancelLate(
  ended: Promise<unknown>,
  running: readonly { readonly scope: CancellationScope }[],
): Promise<void> {
  const timer = new CancellationScope();
  const isLate = await Promise.race([ended.then(() => false), timer.run(() => sleep(LATE_MS)).then(() => true)]);
  if (isLate) for (const { scope } of running) scope.cancel();
  else timer.cancel();
}

/** When each group of nodes is started, as many as there are calls under way at a time. */
function turnsOf(nodes: readonly Node[]): readonly (Promise<void> | undefined)[] {
  const groups = Math.ceil(nodes.length / CALLS);
  return Array.from({ length: groups }, (_, group) => (group === 0 ? undefined : sleep(group * GROUP_MS)));
}

/** One supervisor, taken up again while its host is only not heard. */
async function superviseNode(
  input: GangInput,
  { host, call }: Node,
  silence: Silence,
  isPatched: boolean,
): Promise<NodeDone> {
  const { callTimeoutMs, scheduleToStartMs } = call.timing;
  // The host answered the preflight a moment ago: one that dies before it takes this up must not cost the minutes that
  // are for a worker which is being restarted.
  let patienceMs = isPatched ? Math.min(callTimeoutMs, scheduleToStartMs) : scheduleToStartMs;
  for (;;) {
    const activities = workActivities({
      timing: { ...call.timing, scheduleToStartMs: patienceMs },
      fleet: input.fleet,
      host,
      activityId: trainActivityId(call.attempt.attempt, call.nodeRank),
      summary: `train attempt ${call.attempt.attempt}, node ${call.nodeRank}`,
      timeoutMs: call.stage.timeoutMs,
    });
    try {
      return await activities.trainNode(call);
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!isUnanswered(error)) throw new NodeFailure(host, error);
      if (patienceMs < scheduleToStartMs && wasTakenUp(error)) {
        patienceMs = scheduleToStartMs;
        continue;
      }
      const state = await Promise.race([silence.settle(host), CancellationScope.current().cancelRequested]);
      if (state === 'lost') throw new NodeFailure(host, error);
    }
  }
}

/** Whether a supervisor that nobody answers for had been at work: then its ranks may train on without a worker. */
function wasTakenUp(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof TimeoutFailure)) return false;
  return (error.cause.lastHeartbeatDetails ?? null) !== null;
}

async function stopNodes(
  input: GangInput,
  nodes: readonly Node[],
  silence: Silence,
  reason: string,
  graceMs: number,
): Promise<Map<string, NodeEnd>> {
  const ends = await inParallel(nodes, ({ host, call }) =>
    stopNode(input, host, { ...call, reason, graceMs }, silence),
  );
  return new Map(nodes.map(({ host }, index) => [host, ends[index] ?? 'dead']));
}

async function stopNode(
  input: GangInput,
  host: string,
  call: Parameters<ReturnType<typeof quickCalls>['stopNode']>[0],
  silence: Silence,
): Promise<NodeEnd> {
  for (;;) {
    try {
      await quickCalls(input, host).stopNode(call);
      return 'dead';
    } catch (error) {
      // It answered, several times, that it cannot end them.
      if (!isUnanswered(error)) return 'unfit';
      if ((await silence.settle(host)) === 'lost') return 'lost';
    }
  }
}

/** Only the last node logs iterations; what is written in the workspace, every host sees. */
async function progressOf(input: GangInput, nodes: readonly Node[], silence: Silence): Promise<GangProgress> {
  const heard = nodes.filter(({ host }) => !silence.isSilent(host));
  const ends = heard.filter((node) => node === nodes[0] || node === nodes.at(-1));
  const tellers = ends.length > 0 ? ends : heard.slice(0, 1);
  const looks = await inParallel(tellers, ({ host, call }) =>
    quickCalls(input, host)
      .lookAtNode(call)
      .catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        return null;
      }),
  );
  return newestOf(looks.flatMap((look) => look ?? []));
}
