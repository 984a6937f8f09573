import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { packHosts } from '../../domain/host-list.js';
import type { Problem } from '../../schemas/problem.js';
import type { Attempt, NodeDone, StageDone } from '../../schemas/stage-calls.js';
import { NodeFailure, onHost, quickCalls, workOn, type Gang, type Node } from './gang.js';
import { preflight } from './preflight.js';
import { runNodes, type NodeEnd } from './run-nodes.js';
import { Silence } from './silence.js';

/** What is known at the end of an attempt that failed: nothing of it runs any more. */
export interface AttemptFailure {
  /** null: it failed before an attempt was opened. */
  readonly attempt: Attempt | null;
  readonly nodes: readonly Node[];
  /** The problem that the workflow learnt first, with its host where it has one. */
  readonly problem: Problem;
  readonly host: string | null;
  readonly knownAtMs: number;
  readonly deadAtMs: number;
  readonly ends: ReadonlyMap<string, NodeEnd>;
  /** Begin of the silence of lost hosts whose ranks may run on, ms since the epoch. */
  readonly silentSinceMs: ReadonlyMap<string, number>;
}

/** What an attempt came to. */
export type AttemptOutcome =
  | {
      readonly kind: 'done';
      readonly done: StageDone;
      readonly attempt: Attempt | null;
      readonly nodes: readonly NodeDone[];
    }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** What the loop asks of an attempt. */
export interface Launch {
  /** Whether ranks of an older attempt may step where nobody sees them: until they saw the fence of this one. */
  readonly mayOldStepOn: boolean;
  /** What the loop does at the moment when an attempt is launched. */
  readonly onLaunch: (attempt: Attempt) => Promise<void>;
}

/**
 * One attempt on the hosts of the lease: all of them answer and can train, the attempt is opened in the workspace, all
 * nodes run, and the last checkpoint is proven. Throws only when cancelled.
 */
export async function runAttempt(gang: Gang, { mayOldStepOn, onLaunch }: Launch): Promise<AttemptOutcome> {
  const { input, grant } = gang;
  const silence = new Silence(input, grant.hosts.length);
  let attempt: Attempt | null = null;
  let nodes: Node[] = [];
  try {
    await preflight(gang, silence);
    attempt = await openAttempt(gang);
    nodes = nodesOf(gang, attempt);
    if (mayOldStepOn) await sleep(input.call.timing.fenceTimeoutMs);
    // The launch is told while the nodes start: telling must not hold them up, and their failure goes first.
    const told = onLaunch(attempt);
    // Awaited below, unless the nodes were cancelled first: then its own cancellation must not be nobody's, because
    // an unhandled rejection fails the workflow task again and again.
    told.catch(() => undefined);
    const outcome =
      attempt.lastIteration === null ? await runNodes(input, nodes, silence) : { kind: 'done' as const, nodes: [] };
    await told;
    if (outcome.kind === 'failed') {
      const { failure, knownAtMs, ends } = outcome;
      return failed({ attempt, nodes, failure, knownAtMs, ends, silence });
    }
    return { kind: 'done', done: await seal(gang, nodes, outcome.nodes), attempt, nodes: outcome.nodes };
  } catch (error) {
    if (isCancellation(error) || CancellationScope.current().consideredCancelled || !(error instanceof NodeFailure))
      throw error;
    const isLost = error.isSilence;
    const ends = new Map<string, NodeEnd>(isLost ? [[error.host, 'lost']] : []);
    return failed({ attempt, nodes, failure: error, knownAtMs: Date.now(), ends, silence: null });
  }
}

interface Failed {
  readonly attempt: Attempt | null;
  readonly nodes: readonly Node[];
  readonly failure: NodeFailure;
  readonly knownAtMs: number;
  readonly ends: ReadonlyMap<string, NodeEnd>;
  /** null: no rank of this attempt runs or ran on a host that is lost. */
  readonly silence: Silence | null;
}

function failed({ attempt, nodes, failure, knownAtMs, ends, silence }: Failed): AttemptOutcome {
  const silent = [...ends].flatMap(([host, end]) => {
    const since = silence?.since(host) ?? null;
    return end === 'lost' && since !== null ? [[host, since] as const] : [];
  });
  return {
    kind: 'failed',
    failure: {
      attempt,
      nodes,
      problem: failure.problem,
      host: failure.host,
      knownAtMs,
      deadAtMs: Date.now(),
      ends,
      silentSinceMs: new Map(silent),
    },
  };
}

async function openAttempt({ input, grant }: Gang): Promise<Attempt> {
  const [first] = grant.hosts;
  if (first === undefined) throw new TypeError('a lease holds no hosts');
  return onHost(
    first.name,
    quickCalls(input, first.name).openAttempt({
      ...input.call,
      lease: grant.lease,
      // It knows where it is reached; its whole record is not in a lease.
      hosts: [],
      hostNames: packHosts(grant.hosts.map(({ name }) => name)),
    }),
  );
}

function nodesOf({ input, grant }: Gang, attempt: Attempt): Node[] {
  const nodeCount = grant.hosts.length;
  return grant.hosts.map(({ name }, nodeRank) => ({
    host: name,
    call: { ...input.call, attempt, lease: grant.lease, nodeRank, nodeCount },
  }));
}

async function seal({ input }: Gang, [first]: readonly Node[], nodes: readonly NodeDone[]): Promise<StageDone> {
  if (first === undefined) throw new TypeError('a gang has no first node');
  return onHost(first.host, workOn(input, first.host, 'seal').sealTraining({ ...first.call, nodes: telling(nodes) }));
}

/** Nodes that show what was reached: one that logged the last iteration, and one that logged the end. */
function telling(nodes: readonly NodeDone[]): NodeDone[] {
  const reached = Math.max(...nodes.map(({ lastIteration }) => lastIteration ?? 0));
  const newest = nodes.find(({ lastIteration }) => lastIteration === reached);
  const ended = nodes.find(({ hasEnded }) => hasEnded);
  return [...new Set([newest, ended])].filter((node) => node !== undefined);
}
