import { isClosedStatus } from '../domain/closed-status.js';
import { TemperError } from '../domain/errors.js';
import { scheduleOfRetrain } from '../domain/ids.js';
import type { TemperClient } from './connect.js';
import { requestCancel } from './run-end.js';
import { describe } from './run-status.js';

/** Asks a retrain to end, which may have no run yet; answers its schedule. */
export async function cancelRetrain(
  client: TemperClient,
  workflowId: string,
  ender: { readonly by: string | null; readonly why: string | null },
): Promise<string | null> {
  const schedule = scheduleOfRetrain(workflowId);
  const found = await describe(client, workflowId);
  if (found === null || isClosedStatus(found.status.name)) {
    throw new TemperError(found === null ? 'RunNotFound' : 'UsageInvalid', {
      where: workflowId,
      what: found === null ? 'there is no such retrain' : 'the retrain is over: there is nothing to cancel',
      fix: `temper schedule describe ${schedule} lists the retrains`,
    });
  }
  await requestCancel(client, workflowId, ender);
  return schedule;
}

/** Workflow of the retrain that a run belongs to while it is open, or null. */
export async function openRetrain(client: TemperClient, workflowId: string): Promise<string | null> {
  const own = await describe(client, workflowId);
  const parent = own?.raw.workflowExecutionInfo?.parentExecution?.workflowId ?? '';
  const retrain = scheduleOfRetrain(parent) === null ? null : await describe(client, parent);
  return retrain === null || isClosedStatus(retrain.status.name) ? null : parent;
}
