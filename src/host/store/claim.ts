import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaimSchema, type Claim } from '../../schemas/receipt.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';

/**
 * A claim is a folder `claim` with `owner.json` in it. It appears by one rename of a prepared folder, which the
 * file system refuses while another claim is there: so it never stands there without its owner's name, whenever
 * its maker is killed.
 */
const CLAIM = 'claim';

/** Tries to claim an entry. Answers the claim that stands now, and whether it is the one given. */
export async function tryClaim(entry: string, claim: Claim): Promise<{ readonly claim: Claim; readonly isOurs: boolean }> {
  await mkdir(entry, { recursive: true });
  for (;;) {
    const standing = await readClaim(entry);
    if (standing !== null) return { claim: standing, isOurs: isSameOwner(standing, claim) };
    const prepared = join(entry, `${CLAIM}.${randomUUID()}`);
    await writeJsonFile(join(prepared, 'owner.json'), claim);
    try {
      await rename(prepared, join(entry, CLAIM));
      return { claim, isOurs: true };
    } catch (error) {
      await rm(prepared, { recursive: true, force: true });
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
    }
  }
}

/** The claim on an entry, or null. */
export function readClaim(entry: string): Promise<Claim | null> {
  return readJsonFile(join(entry, CLAIM, 'owner.json'), ClaimSchema);
}

/** Rewrites a claim that is ours, for a new try. */
export async function renewClaim(entry: string, claim: Claim): Promise<void> {
  await writeJsonFile(join(entry, CLAIM, 'owner.json'), claim);
}

/** Takes a claim away; of several that try, one does it. */
export async function dropClaim(entry: string): Promise<void> {
  const aside = join(entry, `${CLAIM}.${randomUUID()}`);
  try {
    await rename(join(entry, CLAIM), aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/** Whether two claims are by the same chain of the same workflow. */
export function isSameOwner(a: Claim, b: Claim): boolean {
  return a.owner.workflowId === b.owner.workflowId && a.owner.firstRunId === b.owner.firstRunId;
}
