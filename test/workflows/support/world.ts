import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { failureFrom } from '../../../src/activities/failure.js';
import type { HostActivities } from '../../../src/activities/host.js';
import { problem } from '../../../src/domain/errors.js';
import { unpackHosts } from '../../../src/domain/host-list.js';
import type { HostEvidence, Incident } from '../../../src/schemas/incident.js';
import type { PreflightCheck, PreflightDepth } from '../../../src/schemas/preflight.js';
import type { Problem } from '../../../src/schemas/problem.js';
import type { TrainCall } from '../../../src/schemas/stage-calls.js';

/** What happens in one attempt once all its nodes run. */
export type Play = (attempt: RunningAttempt) => void | Promise<void>;

interface RunningNode {
  readonly call: TrainCall;
  end(result: Problem | null): void;
}

/** An attempt whose nodes all run. */
export class RunningAttempt {
  readonly world: World;
  readonly number: number;
  readonly nodes: ReadonlyMap<string, RunningNode>;

  constructor(world: World, number: number, nodes: ReadonlyMap<string, RunningNode>) {
    this.world = world;
    this.number = number;
    this.nodes = nodes;
  }

  get hosts(): string[] {
    return [...this.nodes.keys()].sort();
  }

  /** All nodes reach the last iteration. */
  finish(iteration = 100): void {
    this.world.proven = iteration;
    for (const { end } of this.nodes.values()) end(null);
  }

  /** A node ends with a problem; its host will show this evidence. */
  fail(
    host: string,
    evidence: Partial<HostEvidence>,
    facts: Problem = problem('TrainingFailed', { what: 'a rank failed' }),
  ): void {
    this.world.evidence.set(host, evidence);
    this.nodes.get(host)?.end(facts);
  }
}

/**
 * Simulated hosts with one workspace: what activities answer, without a process or a file. The plays say what happens
 * in each attempt; when they are over, attempts finish.
 */
export class World {
  proven: number | null = null;
  readonly evidence = new Map<string, Partial<HostEvidence>>();
  readonly incidents = new Map<string, Incident>();
  readonly attempts: {
    readonly number: number;
    readonly hosts: string[];
    readonly lease: number;
    readonly load: number | null;
  }[] = [];
  /** Calls in the order in which they were taken: `stopNode h1`. */
  readonly calls: string[] = [];
  /** Answers another problem than success, by call. */
  readonly refusals = new Map<string, Problem>();
  /** What the preflights of a host find, one list per look; nothing once they are over. */
  readonly checks = new Map<string, PreflightCheck[][]>();
  /** Addresses that hosts announce; loopback where none stands here. */
  readonly addresses = new Map<string, string>();
  /** How far the clock of a host is ahead, ms. */
  readonly clocks = new Map<string, number>();
  readonly looks: { readonly host: string; readonly depth: PreflightDepth; readonly isCompared: boolean }[] = [];
  /** Iteration that `lookAtNode` tells: the host of the last rank knows it, and no other. */
  iteration: number | null = null;
  /** When the ranks last wrote into the workspace, which every host sees. */
  writtenAtMs: number | null = null;
  /** How long the ranks of a host take to end when they are stopped, ms. */
  stopMs = 0;
  /** Hosts whose stop finds nothing to stop. */
  readonly deaf = new Set<string>();
  /** What happens between the opening of an attempt and the start of its nodes. */
  beforeNodes: (() => Promise<void>) | null = null;
  /** Period of the nodes' heartbeats, ms. */
  heartbeatMs = 200;
  readonly #plays: Play[];
  #nodes = new Map<string, RunningNode>();

  constructor(plays: readonly Play[]) {
    this.#plays = [...plays];
  }

  /** Activities of one simulated host. */
  activitiesOf(host: string): Partial<HostActivities> {
    const taken = <I, O>(name: string, answer: (input: I) => O | Promise<O>) => {
      return async (input: I): Promise<O> => {
        this.calls.push(`${name} ${host}`);
        const refusal = this.refusals.get(`${name} ${host}`);
        if (refusal !== undefined) throw failureFrom(refusal);
        return answer(input);
      };
    };
    return {
      probeHost: taken('probeHost', async () => ({
        v: 1 as const,
        name: host,
        machineId: host,
        pid: 1,
        address: '127.0.0.1',
        cpus: 1,
        ramTotalBytes: 1,
        ramAvailableBytes: 1,
        scratchFreeBytes: 1,
        time: '',
        version: '',
      })),
      ensureEnvironment: taken('ensureEnvironment', async () => ({
        v: 1 as const,
        host,
        lock: {},
        digest: 'env',
        reused: true,
      })),
      preflightHost: taken('preflightHost', async ({ depth, round }) => {
        this.looks.push({ host, depth, isCompared: round !== null });
        return {
          v: 1 as const,
          host,
          at: new Date(Date.now() + (this.clocks.get(host) ?? 0)).toISOString(),
          elapsedMs: 0,
          checks: this.checks.get(host)?.shift() ?? [],
        };
      }),
      comparePreflight: taken('comparePreflight', async () => ({ v: 1 as const, checks: [] })),
      closePreflight: taken('closePreflight', async () => ({ v: 1 as const, checks: [] })),
      claimTraining: taken('claimTraining', async () => ({ v: 1 as const, done: null })),
      releaseClaim: taken('releaseClaim', async () => undefined),
      openAttempt: taken('openAttempt', async ({ hostNames, lease }) => {
        const number = this.attempts.length + 1;
        this.attempts.push({ number, hosts: unpackHosts(hostNames ?? []), lease, load: this.proven });
        this.#nodes = new Map();
        this.evidence.clear();
        await this.beforeNodes?.();
        return {
          v: 1 as const,
          attempt: number,
          masterAddress: '127.0.0.1',
          masterPort: 1,
          loadIteration: this.proven,
          lastIteration: null,
        };
      }),
      trainNode: taken('trainNode', (call) => this.#train(host, call)),
      stopNode: taken('stopNode', async () => {
        if (this.stopMs > 0) await sleep(this.stopMs);
        if (!this.deaf.has(host))
          this.#nodes.get(host)?.end(problem('CommandStopped', { what: 'it was stopped: a node of the gang failed' }));
      }),
      sweepNode: taken('sweepNode', async () => []),
      lookAtNode: taken('lookAtNode', async ({ nodeRank, nodeCount }) => ({
        v: 1 as const,
        host,
        state: 'running',
        lastIteration: nodeRank === nodeCount - 1 ? this.iteration : null,
        writtenAtMs: this.writtenAtMs,
      })),
      collectEvidence: taken('collectEvidence', async ({ nodeRank }) => ({
        ...silent(host, nodeRank),
        ...this.evidence.get(host),
      })),
      findNewestCheckpoint: taken('findNewestCheckpoint', async () => ({ v: 1 as const, iteration: this.proven })),
      recordIncident: taken('recordIncident', async ({ incident }) => {
        this.incidents.set(incident.id, incident);
        return { v: 1 as const, incidents: this.incidents.size };
      }),
      sealTraining: taken('sealTraining', async ({ stage }) => ({
        v: 1 as const,
        ref: { stage: stage.name, key: 'k', digest: 'd' },
        reused: false,
        host,
        durationMs: 1,
        facts: { iterations: this.proven },
      })),
    };
  }

  async #train(host: string, call: TrainCall) {
    const timer = setInterval(() => Context.current().heartbeat({ v: 1 }), this.heartbeatMs);
    try {
      const end = new Promise<Problem | null>((resolve) => this.#nodes.set(host, { call, end: resolve }));
      if (this.#nodes.size === call.nodeCount) {
        const play = this.#plays.shift() ?? ((attempt) => attempt.finish());
        void play(new RunningAttempt(this, call.attempt.attempt, new Map(this.#nodes)));
      }
      const facts = await Promise.race([end, Context.current().cancelled]);
      if (facts !== null) throw failureFrom(facts);
      return {
        v: 1 as const,
        host,
        lastIteration: this.proven,
        hasEnded: true,
        stepMs: 1,
        firstIterationAt: new Date().toISOString(),
      };
    } finally {
      clearInterval(timer);
    }
  }
}

/** Evidence of a host that was only stopped. */
export function silent(host: string, nodeRank: number): HostEvidence {
  return {
    v: 1,
    host,
    nodeRank,
    isReached: true,
    findings: [],
    exitCode: null,
    exitSignal: 'SIGTERM',
    stopReason: 'a node of the gang failed',
    endedAt: null,
    unkillable: [],
    phase: 'training',
    lastIteration: 10,
    lastIterationAt: null,
    firstIterationAt: new Date().toISOString(),
    stepMs: 1,
    clockOffsetMs: 0,
    tail: [],
  };
}
