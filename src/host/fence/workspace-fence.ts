import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemperError } from '../../domain/errors.js';
import { FenceSchema, type Fence } from '../../schemas/fence.js';
import { readJsonFile } from '../json-file.js';
import { runDir } from '../run/run-folder.js';
import { hasCode, isTaken } from '../system-error.js';
import { writeNewJson } from '../shared-names.js';

/** The fence of a run: keepers of older attempts stop their ranks when they see it. */
export function fenceFile(workspace: string, run: string): string {
  return join(runDir(workspace, run), 'attempts', FENCE);
}

/**
 * The fence that stands, or null. A damaged file is no fence: every raise replaces it, so nothing is lost that is not
 * raised again. Throws `FormatTooNew`.
 */
export async function readFence(file: string): Promise<Fence | null> {
  try {
    return await readJsonFile(file, FenceSchema);
  } catch (error) {
    if (error instanceof TemperError && error.problem.code === 'WorkspaceUnusable') return null;
    throw error;
  }
}

/**
 * Raises the fence of a run to an attempt whose folder exists, unless it stands there or higher. Answers the fence
 * that stands then: when it names another attempt, the caller's own is outdated already. Attempts count, not leases:
 * their numbers come from folders here, while leases begin again when the server's database is lost.
 *
 * A rename by itself would let a slow caller lower the fence. So the new file is first prepared in a folder, and that
 * folder renamed to `fence.raise`, which the file system refuses while a file is in there: one caller at a time looks
 * at the fence and moves its file on. The move empties the folder, which another may then replace. A caller that was
 * killed leaves its file there; whoever has seen the same file too long removes it. Had its owner only been slow, its
 * move fails, because the file is gone, and it begins again. None of this needs clocks or proof of who is alive.
 */
export async function raiseFence(
  workspace: string,
  fence: Fence,
  { patienceMs = STALE_MS }: { readonly patienceMs?: number } = {},
): Promise<Fence> {
  // One that cannot be read back would be taken for damage, and raised again for ever.
  const valid = FenceSchema.parse(fence);
  const attempts = join(runDir(workspace, valid.run), 'attempts');
  for (;;) {
    const standing = await readFence(join(attempts, FENCE));
    if (standing !== null && standing.attempt >= valid.attempt) return standing;
    const name = await enter(attempts, valid, patienceMs);
    await moveOn(attempts, name, valid.attempt);
  }
}

const FENCE = 'fence';
const RAISE = 'fence.raise';
/** A raise takes milliseconds, on a busy file server perhaps a second. Too short a patience costs a repetition only. */
const STALE_MS = 10_000;
const RETRY_MS = 20;

/** Waits for the turn of this caller; answers the name of its file in `fence.raise`. */
async function enter(attempts: string, fence: Fence, patienceMs: number): Promise<string> {
  const name = `${fence.attempt}-${randomUUID()}`;
  const prepared = join(attempts, `${RAISE}.${name}`);
  await mkdir(prepared);
  try {
    await writeNewJson(join(prepared, name), fence);
    const seen = new Map<string, number>();
    for (;;) {
      try {
        await rename(prepared, join(attempts, RAISE));
        return name;
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
      await removeStale(attempts, seen, patienceMs);
      await sleep(RETRY_MS);
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
}

/** In its turn: makes the prepared file the fence, unless a higher one stands. */
async function moveOn(attempts: string, name: string, attempt: number): Promise<void> {
  const own = join(attempts, RAISE, name);
  const standing = await readFence(join(attempts, FENCE));
  const isOutdated = standing !== null && standing.attempt >= attempt;
  // Missing: the file was taken for that of a killed caller. The next look tells whether to begin again.
  await (isOutdated ? unlink(own) : rename(own, join(attempts, FENCE))).catch(nullIfGone);
}

/** Removes the file of a caller that has had its turn for too long, by this process's own measure. */
async function removeStale(attempts: string, seen: Map<string, number>, patienceMs: number): Promise<void> {
  for (const name of (await readdir(join(attempts, RAISE)).catch(nullIfGone)) ?? []) {
    const since = seen.get(name) ?? performance.now();
    seen.set(name, since);
    if (performance.now() - since >= patienceMs) await unlink(join(attempts, RAISE, name)).catch(nullIfGone);
  }
}

/** ESTALE: on NFS, a folder that was replaced since it was opened. */
function nullIfGone(error: unknown): null {
  if (hasCode(error, 'ENOENT', 'ESTALE')) return null;
  throw error;
}
