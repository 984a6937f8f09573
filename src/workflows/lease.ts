import {
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { problem } from '../domain/errors.js';
import { fleetWorkflowId } from '../domain/ids.js';
import type { LeaseGrant, LeaseRequest } from '../schemas/fleet-calls.js';
import { leaseGrantedSignal, releaseLeaseSignal, requestLeaseSignal } from './messages.js';

/** A lease that the workflow holds. */
export interface HeldLease {
  readonly request: string;
  readonly grant: LeaseGrant;
}

/** What is asked for. */
export type LeaseWish = Pick<LeaseRequest, 'count' | 'spares' | 'replaces' | 'avoid'>;

/** Grants that arrived, by request. One per workflow: signal handlers are set once. */
export interface Leases {
  /**
   * Runs `work` with `count` leased hosts; the lease is given back whatever happens. Fails when they did not come in
   * `waitMs`; without it, waits as long as it takes.
   */
  withHosts<T>(
    fleet: string,
    { count, waitMs }: { readonly count: number; readonly waitMs?: number | undefined },
    work: (grant: LeaseGrant) => Promise<T>,
  ): Promise<T>;
  /** Asks for hosts and waits for them; null when they did not come in `waitMs`. Whoever gets a lease gives it back. */
  ask(fleet: string, wish: LeaseWish, waitMs?: number): Promise<HeldLease | null>;
  /** Gives a lease back, also while the workflow is being cancelled. */
  giveBack(fleet: string, request: string): Promise<void>;
}

/** Sets up the workflow to receive leases. Call it once, before the first await. */
export function receiveLeases(): Leases {
  const grants = new Map<string, LeaseGrant>();
  setHandler(leaseGrantedSignal, (grant) => {
    grants.set(grant.request, grant);
  });
  const giveBack = (fleet: string, request: string): Promise<void> =>
    CancellationScope.nonCancellable(() =>
      getExternalWorkflowHandle(fleetWorkflowId(fleet)).signal(releaseLeaseSignal, { v: 1, request }),
    );
  const ask = async (fleet: string, wish: LeaseWish, waitMs?: number): Promise<HeldLease | null> => {
    const request = uuid4();
    const { workflowId, runId, firstExecutionRunId } = workflowInfo();
    const owner = { workflowId, runId, firstRunId: firstExecutionRunId };
    try {
      await getExternalWorkflowHandle(fleetWorkflowId(fleet)).signal(requestLeaseSignal, {
        v: 1,
        request,
        owner,
        ...wish,
      });
    } catch (error) {
      const facts = problem('NoHosts', { what: `fleet ${fleet} has no host worker yet`, why: String(error) });
      throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
    }
    let grant: LeaseGrant | undefined;
    try {
      if (waitMs === undefined) await condition(() => grants.has(request));
      else await condition(() => grants.has(request), waitMs);
      grant = grants.get(request);
    } finally {
      // Cancelled, or waited for long enough: a grant that is under way now must not be lost.
      if (grant === undefined) await giveBack(fleet, request);
    }
    return grant === undefined ? null : { request, grant };
  };
  return {
    ask,
    giveBack,
    async withHosts(fleet, { count, waitMs }, work) {
      const lease = await ask(fleet, { count }, waitMs);
      if (lease === null) throw hostsBusy(fleet, count, waitMs);
      try {
        return await work(lease.grant);
      } finally {
        await giveBack(fleet, lease.request);
      }
    },
  };
}

/** Hosts that did not become free in time. */
export function hostsBusy(fleet: string, count: number, waitMs = 0): ApplicationFailure {
  const facts = problem('HostsBusy', {
    where: `fleet ${fleet}`,
    what: `no ${count} free hosts came within ${waitMs / 1_000} s`,
    why: 'other runs hold them or come first, or hosts are set aside',
  });
  return ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
}
