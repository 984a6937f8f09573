import { getClient } from '@temporalio/activity';
import { isClosedStatus } from '../domain/closed-status.js';
import type { Owner } from '../schemas/fleet-calls.js';

/**
 * A chain is closed when its newest run is, or when a newer chain has its name: one name has one open run at most. A
 * workflow that cannot be found is unknown, so it is not closed.
 */
export async function isClosed({ workflowId, firstRunId }: Owner): Promise<boolean> {
  try {
    const { status, raw } = await getClient().workflow.getHandle(workflowId).describe();
    const newestChain = raw.workflowExecutionInfo?.firstRunId ?? '';
    return (newestChain !== '' && newestChain !== firstRunId) || isClosedStatus(status.name);
  } catch {
    return false;
  }
}
