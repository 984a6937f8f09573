import { getExternalWorkflowHandle, isCancellation, log, workflowInfo } from '@temporalio/workflow';
import { packHosts } from '../../domain/host-list.js';
import type { HostEvidence, Incident } from '../../schemas/incident.js';
import type { Decision } from '../../domain/gang/policy.js';
import { gangReportedSignal } from '../messages.js';
import { firstAnswer } from '../open-run.js';
import type { Case } from './find-cause.js';
import type { Gang } from './gang.js';
import type { AttemptFailure } from './run-attempt.js';

/** The record of a failure; what its next attempt will tell is still open. */
export function incidentOf(
  gang: Gang,
  failure: AttemptFailure,
  { verdict, evidence, slow }: Case,
  { reaction, why }: Decision,
): Incident {
  const { attempt, knownAtMs, deadAtMs, ends, nodes } = failure;
  const failedAt = verdict.at === null ? null : Date.parse(verdict.at);
  return {
    v: 1,
    id: `${workflowInfo().firstExecutionRunId}-${gang.book.nextNumber}`,
    run: gang.input.call.run,
    attempt: attempt?.attempt ?? null,
    at: new Date(knownAtMs).toISOString(),
    verdict,
    reaction,
    why,
    hosts: inRows(
      nodes.map(({ host }) => ({
        host,
        state: ends.get(host) === 'lost' ? 'lost' : host === (verdict.host ?? failure.host) ? 'failed' : 'stopped',
      })),
    ),
    ...(slow.length === 0 ? {} : { slow: [...slow] }),
    lastIteration: newest(evidence),
    resumedFrom: null,
    stepsLost: null,
    detectMs: failedAt === null ? null : Math.max(0, knownAtMs - failedAt),
    stopMs: deadAtMs - knownAtMs,
    relaunchMs: null,
    firstIterationMs: null,
  };
}

/** Writes an incident into the run's folder through a host that answers; the run goes on when none can. */
export async function record(
  { input, grant }: Gang,
  incident: Incident,
  lost: readonly string[] = [],
): Promise<number | null> {
  const hosts = grant.hosts.filter(({ name }) => !lost.includes(name));
  try {
    const call = { v: 1 as const, workspace: input.call.workspace, incident };
    const { answer } = await firstAnswer(hosts, input.fleet, input.call.timing, (activities) =>
      activities.recordIncident(call),
    );
    return answer.incidents;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('an incident could not be recorded', { incident: incident.id, error: String(error) });
    return null;
  }
}

/** Tells the workflow of the run, which shows it in its memo. */
export async function report({ book }: Gang, attempt: number | null): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId).signal(gangReportedSignal, book.report(attempt, Date.now()));
  } catch (error) {
    if (isCancellation(error)) throw error;
    // A run that closed meanwhile needs no report.
  }
}

/** Hosts that fared alike, told together: the names of a large gang would fill the record. */
function inRows(ends: Incident['hosts']): Incident['hosts'] {
  const rows: { readonly state: Incident['hosts'][number]['state']; readonly names: string[] }[] = [];
  for (const { host, state } of ends) {
    const row = rows.at(-1);
    if (row?.state === state) row.names.push(host);
    else rows.push({ state, names: [host] });
  }
  return rows.flatMap(({ state, names }) => packHosts(names).map((host) => ({ host, state })));
}

function newest(evidence: readonly HostEvidence[]): number | null {
  const iterations = evidence.flatMap(({ lastIteration }) => lastIteration ?? []);
  return iterations.length === 0 ? null : Math.max(...iterations);
}
