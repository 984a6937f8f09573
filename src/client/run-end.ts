import type { WorkflowExecutionDescription } from '@temporalio/client';
import { cutToBytes } from '../domain/text/cut-text.js';
import { problem } from '../domain/errors.js';
import { scheduleOfRetrain } from '../domain/ids.js';
import type { Problem } from '../schemas/problem.js';
import type { TemperClient } from './connect.js';
import { eventsFromEnd } from './history.js';

/** Reasons are written by people; the server takes a kilobyte. */
const REASON_BYTES = 900;

/** Who ended a run, and why, as far as they told. */
interface Ender {
  readonly by: string | null;
  readonly why: string | null;
}

/** Asks a workflow to end, with the name of who asks and the reason in its history: its status tells them later. */
export async function requestCancel(client: TemperClient, workflowId: string, ender: Ender): Promise<void> {
  const { workflowService, options } = client.temporal;
  await workflowService.requestCancelWorkflowExecution({
    namespace: options.namespace,
    workflowExecution: { workflowId },
    identity: ender.by ?? options.identity,
    requestId: crypto.randomUUID(),
    ...(ender.why === null ? {} : { reason: cutToBytes(ender.why, REASON_BYTES) }),
  });
}

/** The problem of a run that somebody ended: who and why by its history, and the way on; null when it ended by itself. */
export async function whyEnded(
  client: TemperClient,
  run: string,
  description: WorkflowExecutionDescription,
): Promise<Problem | null> {
  const code = codeOf(description.status.name);
  if (code === null) return null;
  const { by, why } = await readEnder(client, description);
  const schedule = scheduleOfRetrain(description.raw.workflowExecutionInfo?.parentExecution?.workflowId ?? '');
  const verb = code === 'Cancelled' ? 'cancelled' : 'terminated';
  return problem(code, {
    where: run,
    what: `the run was ${verb} by ${by ?? 'somebody whose name is not known'}`,
    why: why ?? 'no reason was given',
    ...(schedule === null
      ? {}
      : { fix: `temper schedule trigger ${schedule} starts the next retrain; what was finished is reused` }),
  });
}

function codeOf(status: string): 'Cancelled' | 'Terminated' | null {
  switch (status) {
    case 'CANCELLED':
      return 'Cancelled';
    case 'TERMINATED':
      return 'Terminated';
    default:
      return null;
  }
}

/** Looks from the end: whoever ended a run did so among its last events. */
async function readEnder(client: TemperClient, description: WorkflowExecutionDescription): Promise<Ender> {
  for await (const event of eventsFromEnd(client, description)) {
    const terminated = event.workflowExecutionTerminatedEventAttributes;
    if (terminated) return { by: named(terminated.identity), why: named(terminated.reason) };
    const asked = event.workflowExecutionCancelRequestedEventAttributes;
    if (!asked) continue;
    const parent = asked.externalWorkflowExecution?.workflowId;
    // The server itself hands a cancellation on to children: who began it stands in the history of the parent.
    return parent ? { by: `its retrain ${parent}`, why: null } : { by: named(asked.identity), why: named(asked.cause) };
  }
  return { by: null, why: null };
}

function named(text: string | null | undefined): string | null {
  return text === null || text === undefined || text === '' ? null : text;
}
