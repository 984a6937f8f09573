import type { Ledger, LedgerEntry } from '../../schemas/ledger.js';

/** Changes of a ledger. All are idempotent and answer the same object when there is nothing to change. */

/** Notes that a checkpoint was proven. What an earlier proof sealed stays: a later seal could be one of damage. */
export function noteProven(ledger: Ledger, entry: LedgerEntry): Ledger {
  const known = ledger.checkpoints.find(({ dir }) => dir === entry.dir);
  if (known === undefined) return { ...ledger, checkpoints: [...ledger.checkpoints, entry] };
  return noteRefused(ledger, entry.dir, null);
}

/** Notes why a proven checkpoint could not be used when it was looked at again, or with null that it could. */
export function noteRefused(ledger: Ledger, dir: string, refused: string | null): Ledger {
  return changeEntries(ledger, (entry) =>
    entry.dir === dir && entry.refused !== refused ? { ...entry, refused } : entry,
  );
}

/**
 * Notes what an attempt starts from, so that it is not removed while it is loaded. Without effect when a newer attempt
 * is noted, or when retention has given the checkpoint up meanwhile: the caller sees it by `inUse` and chooses again.
 */
export function noteInUse(ledger: Ledger, attempt: number, dir: string): Ledger {
  const { inUse } = ledger;
  if (inUse !== null && (inUse.attempt > attempt || (inUse.attempt === attempt && inUse.dir === dir))) return ledger;
  if (ledger.checkpoints.some((entry) => entry.dir === dir && entry.removedAt !== null)) return ledger;
  return { ...ledger, inUse: { attempt, dir } };
}

/** What retention may keep and must not touch. */
export interface Retention {
  /** Only checkpoints of this training count; those of another one in the same run are not touched. */
  readonly key: string;
  /** Usable checkpoints to keep, over all attempts; at least 1, Infinity for no limit. */
  readonly keep: number;
  /** Those that were proven before go as well, RFC 3339; without it age does not matter. */
  readonly provenBefore?: string;
  /** Folders (as in the entries) that something else needs, such as a receipt. */
  readonly needed: ReadonlySet<string>;
  /** Folders that nobody will start from though they are whole, because their attempt lost its loss; not counted. */
  readonly spoiled: ReadonlySet<string>;
  /** Now, RFC 3339. */
  readonly at: string;
}

/**
 * Checkpoints that are kept while an attempt trains: two at least, because the newest may hold what makes the next loss
 * no number, and only the next iterations tell.
 */
export function keptWhileTraining(keep: number): number {
  return Math.max(2, keep);
}

/**
 * Gives up the checkpoints beyond the newest `keep` usable ones, and those that are too old. Never the newest, never the one in use, never one that
 * is needed; a damaged one neither counts nor goes, because it is evidence.
 */
export function giveUpSurplus(ledger: Ledger, { key, keep, provenBefore, needed, spoiled, at }: Retention): Ledger {
  const usable = ledger.checkpoints.filter((entry) => entry.key === key && isUsable(entry)).toSorted(newestFirst);
  const counted = usable.filter(({ dir }) => !spoiled.has(dir));
  const oldest = counted[Math.max(1, keep) - 1];
  const beyond = oldest === undefined ? [] : usable.slice(usable.indexOf(oldest) + 1);
  const isOld = ({ provenAt }: LedgerEntry): boolean =>
    provenBefore !== undefined && Date.parse(provenAt) < Date.parse(provenBefore);
  const old = counted.length === 0 ? [] : usable.filter((entry) => entry !== counted[0] && isOld(entry));
  const surplus = new Set(
    [...beyond, ...old].map(({ dir }) => dir).filter((dir) => dir !== ledger.inUse?.dir && !needed.has(dir)),
  );
  if (surplus.size === 0) return ledger;
  return changeEntries(ledger, (entry) => (surplus.has(entry.dir) ? { ...entry, seal: null, removedAt: at } : entry));
}

/** Whether a checkpoint was proven, is kept, and was not found damaged since. */
export function isUsable({ refused, removedAt }: LedgerEntry): boolean {
  return refused === null && removedAt === null;
}

/** Order in which checkpoints are tried: the highest iteration, and of equal ones that of the newest attempt. */
export function newestFirst(
  a: { readonly iteration: number; readonly attempt: number },
  b: { readonly iteration: number; readonly attempt: number },
): number {
  return b.iteration - a.iteration || b.attempt - a.attempt;
}

function changeEntries(ledger: Ledger, change: (entry: LedgerEntry) => LedgerEntry): Ledger {
  const checkpoints = ledger.checkpoints.map(change);
  const isSame = checkpoints.every((entry, index) => entry === ledger.checkpoints[index]);
  return isSame ? ledger : { ...ledger, checkpoints };
}
