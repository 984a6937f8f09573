import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/workflow';
import { problem } from '../domain/errors.js';
import { fleetWorkflowId } from '../domain/ids.js';
import type { LeaseGrant } from '../schemas/fleet-calls.js';
import { leaseGrantedSignal, releaseLeaseSignal, requestLeaseSignal } from './messages.js';

/** Grants that arrived, by request. One per workflow: signal handlers are set once. */
export interface Leases {
  /** Runs `work` with `count` leased hosts; the lease is given back whatever happens. */
  withHosts<T>(fleet: string, count: number, work: (grant: LeaseGrant) => Promise<T>): Promise<T>;
}

/** Sets up the workflow to receive leases. Call it once, before the first await. */
export function receiveLeases(): Leases {
  const grants = new Map<string, LeaseGrant>();
  setHandler(leaseGrantedSignal, (grant) => {
    grants.set(grant.request, grant);
  });
  return {
    async withHosts(fleet, count, work) {
      const handle = getExternalWorkflowHandle(fleetWorkflowId(fleet));
      const request = uuid4();
      const { workflowId, runId, firstExecutionRunId } = workflowInfo();
      try {
        await handle.signal(requestLeaseSignal, {
          v: 1,
          request,
          owner: { workflowId, runId, firstRunId: firstExecutionRunId },
          count,
        });
      } catch (error) {
        const facts = problem('NoHosts', { what: `fleet ${fleet} has no host worker yet`, why: String(error) });
        throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
      }
      try {
        await condition(() => grants.has(request));
        const grant = grants.get(request);
        if (grant === undefined) throw new TypeError('a grant vanished');
        return await work(grant);
      } finally {
        // Cancelled or not, granted or still waiting: the hosts go back.
        await CancellationScope.nonCancellable(() => handle.signal(releaseLeaseSignal, { v: 1, request }));
      }
    },
  };
}
