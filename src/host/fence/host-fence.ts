import { compareFences } from '../../domain/gang/fence.js';
import { TemperError } from '../../domain/errors.js';
import { FenceSchema, type Fence } from '../../schemas/fence.js';
import { readJsonFile } from '../json-file.js';
import { writeJsonSync } from '../keeper/atomic-write.js';
import { hostFenceFile } from '../keeper/fence-check.js';
import { awaitLock } from '../keeper/lock.js';
import { makeFolder } from '../make-folder.js';

/** The attempt that a command belongs to, as a host orders it. */
export type HostClaim = Pick<Fence, 'run' | 'attempt' | 'lease'>;

/** A holder needs milliseconds; only a disk that hangs makes it longer. */
const LOCK_PATIENCE_MS = 10_000;

/** The newest attempt that this host has seen, or null. Throws `TemperError` for a file that is damaged or too new. */
export function readHostFence(scratch: string): Promise<Fence | null> {
  return readJsonFile(hostFenceFile(scratch), FenceSchema);
}

/**
 * Raises the fence of this host to an attempt: from then on no keeper of an older one starts its command here. It is
 * on the disk before this returns. Throws `FencedOff` when the host has seen a newer attempt, or the same lease and
 * attempt of another run, which only a numbering that began again can bring.
 */
export async function raiseHostFence(scratch: string, claim: HostClaim): Promise<void> {
  // Before its lock: a lock is named after the real path.
  await makeFolder(scratch);
  const lock = await awaitLock(scratch, LOCK_PATIENCE_MS);
  if (lock === null) throw lockHeld(scratch);
  try {
    const standing = await readHostFence(scratch);
    const order = standing === null ? 1 : compareFences(claim, standing);
    if (standing !== null && (order < 0 || (order === 0 && standing.run !== claim.run))) {
      throw fencedOff(hostFenceFile(scratch), claim, standing);
    }
    if (order === 0) return;
    const { run, attempt, lease } = claim;
    const raised: Fence = { v: 1, run, attempt, lease, at: new Date().toISOString() };
    writeJsonSync(hostFenceFile(scratch), raised, true);
  } finally {
    await lock.release();
  }
}

/** The error of an attempt that is not the newest one any more. */
export function fencedOff(where: string, claim: HostClaim, standing: HostClaim): TemperError {
  return new TemperError('FencedOff', {
    where,
    what: `attempt ${claim.attempt} of ${claim.run} (lease ${claim.lease}) is outdated`,
    why: `attempt ${standing.attempt} of ${standing.run} (lease ${standing.lease}) came after it`,
  });
}

function lockHeld(scratch: string): TemperError {
  return new TemperError('KeeperUnusable', {
    where: hostFenceFile(scratch),
    what: `another process of this host has been raising the fence for ${LOCK_PATIENCE_MS} ms`,
    fix: 'look for a second host worker with the same scratch folder, and at the health of its disk',
  });
}
