import { ApplicationFailure, getExternalWorkflowHandle, patched, sleep } from '@temporalio/workflow';
import { problem } from '../../domain/errors.js';
import { fleetWorkflowId } from '../../domain/ids.js';
import type { SetAside } from '../../schemas/fleet-calls.js';
import type { HostEvidence } from '../../schemas/incident.js';
import type { GangInput } from '../../schemas/stage-calls.js';
import type { HeldLease, Leases } from '../lease.js';
import { setHostAsideSignal } from '../messages.js';
import type { AttemptFailure } from './run-attempt.js';

/** Hosts that no lease may get for now: they are lost, or processes on them cannot be ended. */
export function unusableHosts(failure: AttemptFailure, evidence: readonly HostEvidence[]): SetAside[] {
  const { ends, problem: cause, host: blamed } = failure;
  const at = new Date().toISOString();
  const lost = [...ends]
    .filter(([, end]) => end === 'lost')
    .map(([host]): SetAside => ({ host, kind: 'unobserved', reason: 'it vanished during a training', at }));
  const stuck = evidence.filter(({ unkillable, host }) => unkillable.length > 0 || ends.get(host) === 'unfit');
  // Left by an earlier attempt, so the evidence of this one does not show them.
  const isHaunted = cause.code === 'HostUnkillable' && blamed !== null && !stuck.some(({ host }) => host === blamed);
  return [
    ...lost,
    ...(isHaunted ? [{ host: blamed, kind: 'unfit' as const, reason: cause.what, at }] : []),
    ...stuck.map(({ host, unkillable }): SetAside => ({
      host,
      kind: 'unfit',
      reason:
        unkillable.length === 0
          ? 'nobody could prove that its ranks are gone'
          : `processes survive SIGKILL: ${unkillable.join(', ')}`,
      at,
    })),
  ];
}

/** Takes hosts out of the fleet. */
export async function setAside({ fleet }: GangInput, hosts: readonly SetAside[]): Promise<void> {
  const handle = getExternalWorkflowHandle(fleetWorkflowId(fleet));
  await Promise.all(hosts.map((host) => handle.signal(setHostAsideSignal, { v: 1, ...host })));
}

/**
 * Waits until a lost host cannot do harm: its keeper stops its ranks when it has not seen the workspace for
 * `fenceTimeoutMs`, and at once when it sees the fence of a newer attempt.
 */
export async function awaitFences({ call }: GangInput, { silentSinceMs }: AttemptFailure): Promise<void> {
  const last = Math.max(0, ...silentSinceMs.values());
  const waitMs = last + call.timing.fenceTimeoutMs - Date.now();
  if (silentSinceMs.size > 0 && waitMs > 0) await sleep(waitMs);
}

/**
 * Whether the gang that is gone may step on where nobody sees it: all of it is silent, which is given up for a lone host
 * with a spare only. It may lose the workspace long after it fell silent, so that only the fence of the next attempt,
 * and `fenceTimeoutMs` after it, show that its ranks are gone.
 */
export function mayStepOn({ hosts }: GangInput, { silentSinceMs }: AttemptFailure): boolean {
  return silentSinceMs.size === hosts && patched('fence-before-a-lone-host-is-replaced');
}

/** Gives the lease back and gets another one in the same step, of other hosts where there are any. */
export async function replaceLease(
  input: GangInput,
  leases: Leases,
  held: HeldLease,
  avoid: readonly string[],
): Promise<HeldLease> {
  const { fleet, hosts, spares, recovery } = input;
  const lease = await leases.ask(
    fleet,
    { count: hosts, spares, replaces: held.request, avoid: [...avoid] },
    recovery.spareWaitMs,
  );
  if (lease !== null) return lease;
  const facts = problem('HostLost', {
    where: avoid.join(', '),
    what: `no host came to replace ${avoid.join(', ')} within ${Math.round(recovery.spareWaitMs / 1_000)} s`,
    why: `the training needs ${hosts} hosts (fleet.hosts), and the fleet has too few free ones (recovery.spareWait)`,
  });
  throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}
