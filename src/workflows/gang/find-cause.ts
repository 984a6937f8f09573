import { isCancellation } from '@temporalio/workflow';
import { GENERIC_RULES } from '../../domain/causes/cause-rules.js';
import { ANY_PROBLEM } from '../../domain/causes/causes.js';
import { diagnose } from '../../domain/causes/diagnose.js';
import { slowHosts } from '../../domain/gang/pace.js';
import { problemFinding, silenceFinding } from '../../domain/causes/evidence.js';
import type { HostEvidence, Verdict } from '../../schemas/incident.js';
import type { SlowHost } from '../../schemas/pace.js';
import { firstAnswer } from '../open-run.js';
import { inParallel } from '../../domain/in-parallel.js';
import { quickCalls, type Gang, type Node } from './gang.js';
import type { AttemptFailure } from './run-attempt.js';

/** What the hosts of a failed attempt know, and what it comes down to. */
export interface Case {
  readonly verdict: Verdict;
  readonly evidence: readonly HostEvidence[];
  /** Hosts that the others waited for. */
  readonly slow: readonly SlowHost[];
  /** Iteration of the newest proven checkpoint after the failure; null when there is none or nobody could look. */
  readonly newest: number | null;
}

/** Collects the evidence of all hosts that answer, and finds the first cause in it. */
export async function findCause(gang: Gang, failure: AttemptFailure): Promise<Case> {
  const [collected, newest] = await Promise.all([collect(gang, failure), newestCheckpoint(gang, failure)]);
  const evidence = withProblem(collected, failure);
  const slow = slowAmong(evidence);
  return { verdict: explained(diagnose(evidence), slow), evidence, slow, newest };
}

/** Before the first iteration hosts are busy with their own start, and nobody waits for them yet. */
function slowAmong(evidence: readonly HostEvidence[]): SlowHost[] {
  if (!evidence.some(({ lastIteration }) => lastIteration !== null)) return [];
  return slowHosts(evidence.flatMap(({ host, pace }) => (pace === null || pace === undefined ? [] : [{ host, pace }])));
}

/** A stall is told by the host that logs the iterations; whom it waited for belongs to its evidence. */
function explained(verdict: Verdict, slow: readonly SlowHost[]): Verdict {
  if (verdict.cause !== 'stalled') return verdict;
  return { ...verdict, evidenceLines: [...slow.map(({ sentence }) => sentence), ...verdict.evidenceLines] };
}

function collect({ input }: Gang, { nodes, ends, knownAtMs }: AttemptFailure): Promise<HostEvidence[]> {
  return inParallel(nodes, async ({ host, call }) => {
    if (ends.get(host) === 'lost') return unreached({ host, call }, 'it answers no probe', knownAtMs);
    try {
      return await quickCalls(input, host).collectEvidence(call);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { ...unreached({ host, call }, '', knownAtMs), findings: [] };
    }
  });
}

async function newestCheckpoint({ input, grant }: Gang, { attempt, ends }: AttemptFailure): Promise<number | null> {
  if (attempt === null) return null;
  const reached = grant.hosts.filter(({ name }) => ends.get(name) !== 'lost');
  try {
    const { answer } = await firstAnswer(reached, input.fleet, input.call.timing, (activities) =>
      activities.findNewestCheckpoint(input.call),
    );
    return answer.iteration;
  } catch (error) {
    if (isCancellation(error)) throw error;
    // Nothing proven is known: the budgets are not refilled, and the next attempt looks for itself.
    return null;
  }
}

/** The problem of the call that failed counts where the host's own logs do not say more. */
function withProblem(
  evidence: readonly HostEvidence[],
  { problem, host, knownAtMs, nodes }: AttemptFailure,
): readonly HostEvidence[] {
  const own = evidence.find((one) => one.host === host);
  if (own?.findings.some(({ isCascade }) => !isCascade) === true) return evidence;
  const at = new Date(knownAtMs + (own?.clockOffsetMs ?? 0)).toISOString();
  const finding = problemFinding(problem, host, at, GENERIC_RULES);
  if (finding === null) return evidence;
  if (finding.rule === ANY_PROBLEM && evidence.some(({ findings }) => findings.length > 0)) return evidence;
  if (own !== undefined)
    return evidence.map((one) => (one === own ? { ...one, findings: [...one.findings, finding] } : one));
  const node = nodes.find((one) => one.host === host);
  return [
    ...evidence,
    { ...unknownEvidence(host ?? '', node?.call.nodeRank ?? 0), isReached: true, findings: [finding] },
  ];
}

function unreached({ host, call }: Node, why: string, knownAtMs: number): HostEvidence {
  return {
    ...unknownEvidence(host, call.nodeRank),
    findings: silenceFinding(host, why, new Date(knownAtMs).toISOString(), GENERIC_RULES),
  };
}

function unknownEvidence(host: string, nodeRank: number): HostEvidence {
  return {
    v: 1,
    host,
    nodeRank,
    isReached: false,
    findings: [],
    exitCode: null,
    exitSignal: null,
    stopReason: null,
    endedAt: null,
    unkillable: [],
    phase: 'unknown',
    lastIteration: null,
    lastIterationAt: null,
    firstIterationAt: null,
    stepMs: null,
    clockOffsetMs: 0,
    tail: [],
  };
}
