import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../system-error.js';
import { z } from 'zod';
import { KeeperIdSchema, KeeperRequestSchema } from '../../schemas/keeper.js';
import type { KeeperRequestInput } from '../../schemas/keeper.js';
import { tailLog } from '../processes/tail.js';
import type { Environment } from './environment.js';
import { KeeperError } from './errors.js';
import { keeperHandle } from './handle.js';
import type { KeeperHandle } from './handle.js';
import { launchKeeper, makeKeeperFolder } from './launch.js';
import type { LaunchedKeeper } from './launch.js';
import { awaitLock } from './lock.js';
import { settleLost } from './lost.js';
import { keepersDir } from './paths.js';

/** Settings that tests and unusual hosts change. */
export interface EnsureOptions {
  /** Environment that the command inherits, less secrets; that of this process when left out. */
  readonly environment?: Environment;
  /** How long a keeper may take to come up, ms. It takes about 0.1 s; a swapping host may take long. */
  readonly startTimeoutMs?: number;
}

const POLL_MS = 10;
/** A keeper goes on for a moment after its exit is on disk: it closes its socket and ends. */
const LAST_STEPS_MS = 5_000;

/**
 * Makes sure that a command runs or ran under its id: starts it, or attaches to what an earlier call started, be it
 * running, ended, or lost with its keeper. Of concurrent calls one starts it. Throws `KeeperError`.
 * @param scratch folder on a local disk of this host
 * @param bundlePath the bundled keeper program; it is copied, so a running keeper never changes
 */
export async function ensureKeeper(
  scratch: string,
  bundlePath: string,
  request: KeeperRequestInput,
  { environment, startTimeoutMs = 30_000 }: EnsureOptions = {},
): Promise<KeeperHandle> {
  const parsed = KeeperRequestSchema.safeParse(request);
  if (!parsed.success) throw requestInvalid(request, parsed.error);
  const handle = handleOf(scratch, parsed.data.id);
  const { paths } = handle;
  makeKeeperFolder(paths);
  let launched: LaunchedKeeper | null = null;
  for (const patienceEndsAt = performance.now() + startTimeoutMs; ;) {
    const { state } = await handle.status();
    if (state === 'running' || state === 'stopping' || state === 'exited') return handle;
    if (state === 'lost') await settleLost(paths);
    if (state === 'absent') {
      const exitCode = launched?.exitCode();
      // Status 0: it gave way to a holder of the lock that has gone since. Undefined: it is still on its way.
      if (launched === null || exitCode === 0) launched = launchKeeper(paths, bundlePath, parsed.data, environment);
      else if (exitCode !== undefined) throw await startFailed(handle, 'It ended at once.', false);
    }
    if (performance.now() >= patienceEndsAt) {
      throw await startFailed(handle, `It is not up after ${startTimeoutMs} ms.`, true);
    }
    await sleep(POLL_MS);
  }
}

/** The keeper of an id, or null when none was ever asked for. Throws `KeeperError` for an id that cannot be one. */
export function findKeeper(scratch: string, id: string): KeeperHandle | null {
  const handle = handleOf(scratch, id);
  return handle.request() === null ? null : handle;
}

/** All keepers of a scratch folder, running or ended, by id. */
export function listKeepers(scratch: string): readonly KeeperHandle[] {
  let names: readonly string[];
  try {
    names = readdirSync(keepersDir(scratch));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
  return names
    .filter((name) => KeeperIdSchema.safeParse(name).success)
    .toSorted()
    .map((name) => handleOf(scratch, name));
}

/** Removes the folder of a keeper that ended or never started. Throws `KeeperError` while it runs or is not settled. */
export async function removeKeeper(scratch: string, id: string): Promise<void> {
  const handle = handleOf(scratch, id);
  const { paths } = handle;
  const { state } = await handle.status();
  // Under the lock no keeper can come up in the folder that is going away.
  const lock = state === 'exited' || state === 'absent' ? await awaitLock(paths.dir, LAST_STEPS_MS) : null;
  if (lock === null) {
    throw new KeeperError({
      code: 'keeper-still-running',
      what: `keeper ${id} is not removed`,
      where: paths.dir,
      why: `Its state is ${state}.`,
      fix: 'stop it and wait for its exit first',
      isRetryable: true,
    });
  }
  try {
    rmSync(paths.dir, { recursive: true, force: true });
  } finally {
    await lock.release();
  }
}

function handleOf(scratch: string, id: string): KeeperHandle {
  if (!KeeperIdSchema.safeParse(id).success) {
    throw new KeeperError({
      code: 'keeper-id-invalid',
      what: `keeper id ${JSON.stringify(id)} is invalid`,
      where: keepersDir(scratch),
      why: 'It names a folder and a process.',
      fix: 'use a-z, 0-9, dot, underscore and hyphen, first a letter or digit, at most 121 characters',
      isRetryable: false,
    });
  }
  return keeperHandle(join(keepersDir(scratch), id), id);
}

function requestInvalid(request: KeeperRequestInput, error: z.ZodError): KeeperError {
  return new KeeperError(
    {
      code: 'keeper-request-invalid',
      what: 'keeper request is invalid',
      where: `id ${JSON.stringify(request.id)}`,
      why: `${z.prettifyError(error)}.`,
      fix: 'correct the code that made the request',
      isRetryable: false,
    },
    { cause: error },
  );
}

async function startFailed({ paths }: KeeperHandle, what: string, isRetryable: boolean): Promise<KeeperError> {
  const { lines } = await tailLog(paths.log, { maxLines: 5 });
  return new KeeperError({
    code: 'keeper-start-failed',
    what: 'keeper did not start',
    where: paths.dir,
    why: `${what} Its log ends: ${lines.join(' | ') || 'empty'}.`,
    fix: 'look at keeper.log there and at free disk, memory and process limits of the host',
    isRetryable,
  });
}
