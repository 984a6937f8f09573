import { listKeepers } from './keeper/client.js';

/** Stops all keepers whose id begins with `prefix` and waits until their commands are proven gone. */
export async function stopKeepers(scratch: string, prefix: string, reason: string, graceMs: number): Promise<string[]> {
  const keepers = listKeepers(scratch).filter(({ id }) => id.startsWith(prefix));
  const stopped = await Promise.all(
    keepers.map(async (keeper) => {
      const { state } = await keeper.status();
      if (state === 'absent' || state === 'exited') return null;
      await keeper.stop({ reason, graceMs });
      await keeper.waitForExit();
      return keeper.id;
    }),
  );
  return stopped.filter((id) => id !== null);
}
