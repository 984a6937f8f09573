import { keeperPrefix } from '../../domain/ids.js';
import type { HostContext } from '../../host/context.js';
import { listKeepers } from '../../host/keeper/client.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import type { TrainCall } from '../../schemas/stage-calls.js';
import { chainOf } from '../keeper-of.js';

/** The keeper of an attempt's part on this host, found without the recipe; null when it was never started. */
export function keeperOfAttempt(
  host: HostContext,
  call: Pick<TrainCall, 'run' | 'stage' | 'owner' | 'attempt'>,
): KeeperHandle | null {
  const end = `.${call.attempt.attempt}-${chainOf(call)}`;
  return (
    listKeepers(host.scratch).find(
      (keeper) =>
        keeper.id.startsWith(keeperPrefix(call.run, call.stage.name)) &&
        keeper.id.endsWith(end) &&
        // What made the host ready has the number of the run's try, which may be the same; only ranks have a fence.
        (keeper.request()?.fence ?? null) !== null,
    ) ?? null
  );
}
