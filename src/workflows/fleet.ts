import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { FleetBook } from '../domain/fleet.js';
import { LOCAL_TIMING } from '../domain/timing.js';
import type { FleetInput, Registration } from '../schemas/fleet-calls.js';
import type { HostRecord } from '../schemas/host.js';
import { callActivities, controlActivities } from './activity-options.js';
import {
  getFleetQuery,
  leaseGrantedSignal,
  registerHostUpdate,
  releaseLeaseSignal,
  requestLeaseSignal,
  setHostAsideSignal,
  takeHostBackSignal,
} from './messages.js';

/** Long-lived entity of a fleet: which hosts there are and who holds them. */
export async function fleet(input: FleetInput): Promise<void> {
  const book = new FleetBook(input);
  const timing = { ...LOCAL_TIMING, callTimeoutMs: input.callTimeoutMs, scheduleToStartMs: input.callTimeoutMs };
  let changes = 0;

  setHandler(getFleetQuery, () => book.state());
  setHandler(requestLeaseSignal, (request) => {
    book.request(request);
    changes += 1;
  });
  setHandler(releaseLeaseSignal, ({ request }) => {
    book.release(request);
    changes += 1;
  });
  setHandler(setHostAsideSignal, ({ host, kind, reason, at, startedAt }) => {
    book.setAside({ host, kind, reason, at }, startedAt);
    changes += 1;
  });
  setHandler(takeHostBackSignal, ({ host }) => {
    book.takeBack(host);
    changes += 1;
  });
  setHandler(registerHostUpdate, async (host): Promise<Registration> => {
    const known = book.hostNamed(host.name);
    if (known !== undefined && known.machineId !== host.machineId && (await answersAs(known))) {
      const why = `host ${host.name} is served by a live worker on another machine (${known.address}, machine id ${known.machineId})`;
      return { v: 1, accepted: false, why };
    }
    book.register(host);
    changes += 1;
    return { v: 1, accepted: true, why: null };
  });

  async function answersAs(known: HostRecord): Promise<boolean> {
    try {
      const probe = await callActivities(timing, input.fleet, known.name).probeHost(undefined);
      return probe.machineId === known.machineId;
    } catch {
      return false;
    }
  }

  for (;;) {
    changes = 0;
    for (const grant of book.grantable()) {
      const { workflowId } = grant.request.owner;
      try {
        await getExternalWorkflowHandle(workflowId).signal(leaseGrantedSignal, {
          v: 1,
          request: grant.request.request,
          lease: grant.lease,
          hosts: grant.hosts.map(({ name, machineId, address }) => ({ name, machineId, address })),
        });
      } catch {
        // The owner closed before its turn came.
        book.release(grant.request.request);
        changes += 1;
      }
    }
    if (changes > 0) continue;
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof fleet>({ ...input, ...book.carryOver() });
    }
    const changed = book.isContended
      ? await condition(() => changes > 0, input.sweepMs)
      : await condition(() => changes > 0).then(() => true);
    if (!changed) await releaseClosedOwners(book, timing);
  }
}

/** Gives back what terminated owners hold: they had no chance to do it themselves. */
async function releaseClosedOwners(book: FleetBook, timing: typeof LOCAL_TIMING): Promise<void> {
  const owners = book.owners();
  const { closed } = await controlActivities(timing).findClosedOwners({
    v: 1,
    owners: owners.map(({ owner }) => owner),
  });
  for (const { request, owner } of owners) {
    if (closed.some((gone) => gone.workflowId === owner.workflowId && gone.runId === owner.runId))
      book.release(request);
  }
}
