import { relative } from 'node:path';
import { noteInUse } from '../../domain/checkpoints/ledger.js';
import type { CheckpointContract } from '../../recipes/checkpoint-contract.js';
import type { ProvenCheckpoint } from '../run/attempts.js';
import { runDir } from '../run/run-folder.js';
import { chooseCheckpoint } from './choose.js';
import type { Training } from './prove.js';
import { setAside } from './retain.js';
import { changeLedger } from './store.js';

/** An attempt that is being opened. */
export interface OpeningAttempt {
  /** Its number; every attempt with a lower one is fenced off. */
  readonly attempt: number;
  /** Attempts of the same training before it. */
  readonly earlier: readonly { readonly attempt: number }[];
  /** Where the training begins when none of them left a usable checkpoint. */
  first(): Promise<ProvenCheckpoint>;
}

/**
 * Chooses what an attempt starts from and notes it in the ledger as in use, so that a late retention of an older
 * supervisor cannot remove it; moves newer, interrupted saves out of the way. Answers why newer ones are not used.
 */
export async function takeCheckpoint(
  training: Training,
  { attempt, earlier, first }: OpeningAttempt,
  contract: CheckpointContract,
): Promise<{ readonly start: ProvenCheckpoint; readonly refused: string[] }> {
  const root = runDir(training.workspace, training.run);
  for (;;) {
    const { proven, refused, torn } = await chooseCheckpoint(training, earlier, contract);
    const start = proven ?? (await first());
    const dir = nameIn(root, start.dir);
    const { checkpoints } = await changeLedger(root, (ledger) => noteInUse(ledger, attempt, dir));
    // Given up between the look and the note: a newer one was proven meanwhile, so there is another to choose.
    if (proven !== null && checkpoints.some((entry) => entry.dir === dir && entry.removedAt !== null)) continue;
    const moved = await setAside(torn, attempt);
    return { start, refused: refused.map((text) => withPlace(text, moved)) };
  }
}

/** A folder of the run relative to it, as ledger entries have it; any other as it is. */
function nameIn(root: string, dir: string): string {
  const name = relative(root, dir);
  return name.startsWith('..') ? dir : name;
}

function withPlace(text: string, moved: ReadonlyMap<string, string>): string {
  const place = [...moved].find(([dir]) => text.startsWith(`${dir}: `))?.[1];
  return place === undefined ? text : `${text}; moved to ${place}`;
}
