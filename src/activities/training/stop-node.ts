import { heartbeat, sleep } from '@temporalio/activity';
import { keeperPrefix } from '../../domain/ids.js';
import { endLeftovers } from '../../host/preflight/leftovers.js';
import { lookAtPorts } from '../../host/preflight/ports.js';
import { stopKeepers, stopTrainings } from '../../host/stop-keepers.js';
import type { Progress } from '../../schemas/run.js';
import type { StageCall, StopNodeCall } from '../../schemas/stage-calls.js';
import type { StageHost } from '../stage-host.js';
import { readTraining } from './read-training.js';

/** Stops this host's part of a training and returns when it is proven dead; processes that survive SIGKILL are left. */
export async function stopNode(host: StageHost, { run, stage, reason, graceMs }: StopNodeCall): Promise<void> {
  await stopKeepers(host.scratch, keeperPrefix(run, stage.name), reason, graceMs);
}

/**
 * Stops whatever training is left on this host, of whichever run: the host is leased to the caller, so none but the
 * caller's may run here. Then waits until the kernel frees the ports that the caller's training needs. Answers the ids
 * of those that ran.
 */
export async function sweepNode(host: StageHost, call: StageCall): Promise<readonly string[]> {
  const stopped = await stopTrainings(host.scratch, 'leftover of an earlier attempt', call.timing.stopGraceMs);
  // What has no keeper any more, nobody else ends.
  await endLeftovers(host.scratch);
  await awaitPorts(host, call);
  return stopped;
}

/** A minute after the end of a connection its port is free; those of connections that stay, a preflight tells. */
const MOST_WAIT_MS = 75_000;
const LOOK_MS = 1_000;

/** Ends when no port is held by connections only, or at the limit. */
async function awaitPorts(host: StageHost, call: StageCall): Promise<void> {
  const training = await readTraining(host, call);
  if ('why' in training) return;
  const ports = training.recipe.preflight?.ports?.(training.spec) ?? [];
  const endsAt = performance.now() + MOST_WAIT_MS;
  for (;;) {
    const passing = (await lookAtPorts(host.address, ports)).filter(({ state }) => state === 'passing');
    if (passing.length === 0 || performance.now() >= endsAt) return;
    const text = `waiting until connections leave ports that ranks need: ${passing.map(({ port }) => port).join(', ')}`;
    heartbeat({ v: 1, stage: call.stage.name, host: host.name, phase: 'waiting', text } satisfies Progress);
    await sleep(LOOK_MS);
  }
}
