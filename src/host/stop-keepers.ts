import { listKeepers } from './keeper/client.js';
import { endKeeper } from './keeper/end.js';
import type { KeeperHandle } from './keeper/handle.js';
import { isOver } from './keeper/status.js';

/** Stops all keepers whose id begins with `prefix` and waits until their commands are proven gone; answers which ran. */
export function stopKeepers(scratch: string, prefix: string, reason: string, graceMs: number): Promise<string[]> {
  return stopAll(
    listKeepers(scratch).filter(({ id }) => id.startsWith(prefix)),
    reason,
    graceMs,
  );
}

/** The same for every training, of whichever run. */
export function stopTrainings(scratch: string, reason: string, graceMs: number): Promise<string[]> {
  return stopAll(
    listKeepers(scratch).filter((keeper) => keeper.request()?.labels.stage === 'train'),
    reason,
    graceMs,
  );
}

async function stopAll(keepers: readonly KeeperHandle[], reason: string, graceMs: number): Promise<string[]> {
  const stopped = await Promise.all(
    keepers.map(async (keeper) => {
      if (isOver(await keeper.status())) return null;
      return (await endKeeper(keeper, { reason, graceMs })) === null ? null : keeper.id;
    }),
  );
  return stopped.filter((id) => id !== null);
}
