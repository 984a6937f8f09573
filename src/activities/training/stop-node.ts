import { keeperPrefix } from '../../domain/ids.js';
import { endLeftovers } from '../../host/preflight/leftovers.js';
import { stopKeepers, stopTrainings } from '../../host/stop-keepers.js';
import type { StageCall, StopNodeCall } from '../../schemas/stage-calls.js';
import type { StageHost } from '../stage-host.js';

/** Stops this host's part of a training and returns when it is proven dead; processes that survive SIGKILL are left. */
export async function stopNode(host: StageHost, { run, stage, reason, graceMs }: StopNodeCall): Promise<void> {
  await stopKeepers(host.scratch, keeperPrefix(run, stage.name), reason, graceMs);
}

/**
 * Stops whatever training is left on this host, of whichever run: the host is leased to the caller, so none but the
 * caller's may run here. Answers the ids of those that ran.
 */
export async function sweepNode(host: StageHost, { timing }: StageCall): Promise<readonly string[]> {
  const stopped = await stopTrainings(host.scratch, 'leftover of an earlier attempt', timing.stopGraceMs);
  // What has no keeper any more, nobody else ends.
  await endLeftovers(host.scratch);
  return stopped;
}
