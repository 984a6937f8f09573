import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isTaken, nullIfMissing } from '../system-error.js';
import { TemperError } from '../../domain/errors.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { ClaimSchema, type Claim } from '../../schemas/receipt.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';

/**
 * A claim is a folder `claim` that holds one file named after its owner. It appears by one rename of a prepared
 * folder, which the file system refuses while another claim is there: so a claim never stands without its owner's
 * name, whenever its maker is killed. It goes by the unlink of the owner's own file: so of many that found it
 * abandoned, none takes away the claim of the one who was first.
 */
const CLAIM = 'claim';

/** Tries to claim an entry. Answers the claim that stands now, and whether it is by the same owner as the one given. */
export async function tryClaim(
  entry: string,
  claim: Claim,
): Promise<{ readonly claim: Claim; readonly isOurs: boolean }> {
  await makeFolder(entry);
  for (;;) {
    const standing = await readClaim(entry);
    if (standing !== null) return { claim: standing, isOurs: isSameOwner(standing, claim) };
    const prepared = join(entry, `${CLAIM}.${randomUUID()}`);
    await writeJsonFile(join(prepared, ownerFile(claim)), claim);
    try {
      // An empty folder, left by a drop that was killed half-way, is replaced.
      await rename(prepared, join(entry, CLAIM));
      return { claim, isOurs: true };
    } catch (error) {
      await rm(prepared, { recursive: true, force: true });
      if (!isTaken(error)) throw error;
    }
  }
}

/** The claim on an entry, or null. */
export async function readClaim(entry: string): Promise<Claim | null> {
  for (;;) {
    const names = await readdir(join(entry, CLAIM)).catch(nullIfMissing);
    const name = names?.sort()[0];
    if (name === undefined) return null;
    const claim = await readJsonFile(join(entry, CLAIM, name), ClaimSchema);
    // Null: it was dropped between the two looks, and another may stand there now.
    if (claim !== null) return claim;
  }
}

/** Rewrites a claim that is ours, for a new try. Throws `ClaimHeld` when somebody took it over. */
export async function renewClaim(entry: string, claim: Claim): Promise<void> {
  const file = join(entry, CLAIM, ownerFile(claim));
  // Written elsewhere and renamed: a killed writer leaves nothing in the claim that would keep it from being dropped.
  const prepared = join(entry, `${CLAIM}.${randomUUID()}`);
  await writeJsonFile(join(prepared, 'owner.json'), claim);
  try {
    if ((await stat(file).catch(nullIfMissing)) === null) {
      throw new TemperError('ClaimHeld', {
        where: entry,
        what: `the claim of run ${claim.run} was taken over by another run`,
      });
    }
    await rename(join(prepared, 'owner.json'), file);
  } finally {
    await rm(prepared, { recursive: true, force: true });
  }
}

/** Takes away the claim of this owner. False: it was gone, taken by another caller; of several, one gets true. */
export async function dropClaim(entry: string, claim: Pick<Claim, 'owner'>): Promise<boolean> {
  const dir = join(entry, CLAIM);
  const isDropped = (await unlink(join(dir, ownerFile(claim))).catch(nullIfMissing)) !== null;
  await rmdir(dir).catch((error: unknown) => (isTaken(error) ? null : nullIfMissing(error)));
  return isDropped;
}

/** Whether two claims are by the same chain of the same workflow. */
export function isSameOwner(a: Pick<Claim, 'owner'>, b: Pick<Claim, 'owner'>): boolean {
  return a.owner.workflowId === b.owner.workflowId && a.owner.firstRunId === b.owner.firstRunId;
}

function ownerFile({ owner: { workflowId, firstRunId } }: Pick<Claim, 'owner'>): string {
  return `owner-${fingerprint({ workflowId, firstRunId })}.json`;
}
