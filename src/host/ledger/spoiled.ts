import type { Ledger } from '../../schemas/ledger.js';
import { spoiledFrom } from '../run/metrics.js';

/** Why nobody may start from a checkpoint though it is whole: its attempt lost its loss soon after; else null. */
export async function whySpoiled(
  { workspace, run }: { readonly workspace: string; readonly run: string },
  { attempt, iteration }: { readonly attempt: number; readonly iteration: number },
): Promise<string | null> {
  const spoiled = await spoiledFrom(workspace, run, attempt);
  if (spoiled === null || iteration < spoiled) return null;
  return `its attempt lost its loss: it was no number after iteration ${spoiled}`;
}

/** Folders (as in the entries) of the kept checkpoints of a ledger that nobody may start from for that reason. */
export async function spoiledCheckpoints(
  run: { readonly workspace: string; readonly run: string },
  { checkpoints }: Ledger,
): Promise<ReadonlySet<string>> {
  const spoiled = new Set<string>();
  for (const entry of checkpoints)
    if (entry.removedAt === null && (await whySpoiled(run, entry)) !== null) spoiled.add(entry.dir);
  return spoiled;
}
