import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rename, rm, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadClaimSchema } from '../../schemas/fetch.js';
import type { DownloadClaim } from '../../schemas/fetch.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { identityOf, isRunning, readBootId, readMachineId } from '../processes/identity.js';
import { onDisk } from './failures.js';
import type { DownloadLimits } from './limits.js';
import { isTaken, nullIfMissing } from '../system-error.js';

/** The right to write a partial file, until `release`. */
export interface HeldClaim {
  release(): Promise<void>;
}

type ClaimLimits = Pick<DownloadLimits, 'claimBeatMs' | 'claimSilenceMs' | 'claimPollMs'>;

/**
 * Waits for the right to download a file. A claim is a folder with one file named after its owner; it appears by one
 * rename and goes by the unlink of the owner's own file (as claims of the store do). The claim of a process that is
 * proven dead is taken over. Answers null when the holder, on another host, shows no life: it cannot be proven dead,
 * so its partial file is left alone. `isDone` ends the waiting when the file has come meanwhile.
 */
export async function claimDownload(
  dir: string,
  limits: ClaimLimits,
  signal: AbortSignal,
  isDone: () => Promise<boolean>,
): Promise<HeldClaim | 'done' | null> {
  const mine = newClaim();
  let seen = '';
  let seenAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    if (await onDisk(dir, () => tryClaim(dir, mine))) return hold(dir, mine, limits);
    if (await isDone()) return 'done';
    const standing = await readStanding(dir);
    if (standing !== null && isDead(standing.claim)) {
      await drop(dir, standing.claim.id);
      continue;
    }
    const beat = standing === null ? '' : `${standing.claim.id} ${standing.beatAt}`;
    if (beat !== seen) [seen, seenAt] = [beat, performance.now()];
    if (beat !== '' && !isOfThisHost(standing?.claim) && performance.now() - seenAt > limits.claimSilenceMs)
      return null;
    await sleep(limits.claimPollMs, undefined, { signal });
  }
}

/** Takes the right to a file when nobody stands there; null when somebody does. */
export async function tryClaimDownload(dir: string, limits: ClaimLimits): Promise<HeldClaim | null> {
  const mine = newClaim();
  return (await onDisk(dir, () => tryClaim(dir, mine))) ? hold(dir, mine, limits) : null;
}

function newClaim(): DownloadClaim {
  const own = identityOf(process.pid);
  return {
    v: 1,
    id: randomUUID(),
    machine: readMachineId(),
    host: hostname(),
    pidSpace: pidSpace(),
    pid: process.pid,
    startTicks: own?.startTicks ?? 0,
    bootId: own?.bootId ?? readBootId(),
  };
}

/** Containers of one machine give the same pids to different processes. */
function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return 'unknown';
  }
}

async function tryClaim(dir: string, claim: DownloadClaim): Promise<boolean> {
  const prepared = `${dir}.${claim.id}`;
  await writeJsonFile(join(prepared, `${claim.id}.json`), claim);
  try {
    // An empty folder, left by a drop that was killed half-way, is replaced.
    await rename(prepared, dir);
    return true;
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    if (isTaken(error)) return false;
    throw error;
  }
}

async function readStanding(dir: string): Promise<{ readonly claim: DownloadClaim; readonly beatAt: number } | null> {
  const [name] = await readdir(dir).catch(() => []);
  if (name === undefined) return null;
  const path = join(dir, name);
  const claim = await readJsonFile(path, DownloadClaimSchema);
  const info = await stat(path).catch(() => null);
  return claim === null || info === null ? null : { claim, beatAt: info.mtimeMs };
}

/** Only a process that this host can look at is dead for certain; after a reboot all earlier ones are. */
function isDead(claim: DownloadClaim): boolean {
  if (claim.machine !== readMachineId() || claim.host !== hostname()) return false;
  if (claim.bootId !== readBootId()) return true;
  return claim.pidSpace === pidSpace() && !isRunning(claim);
}

function isOfThisHost(claim: DownloadClaim | undefined): boolean {
  return claim?.bootId === readBootId() && claim.pidSpace === pidSpace();
}

function hold(dir: string, claim: DownloadClaim, { claimBeatMs }: ClaimLimits): HeldClaim {
  const file = join(dir, `${claim.id}.json`);
  const beat = setInterval(() => {
    const now = new Date();
    // A beat that fails is a beat that is missed.
    utimes(file, now, now).catch(() => undefined);
  }, claimBeatMs);
  beat.unref();
  return {
    async release() {
      clearInterval(beat);
      await drop(dir, claim.id);
    },
  };
}

async function drop(dir: string, id: string): Promise<void> {
  await unlink(join(dir, `${id}.json`)).catch(nullIfMissing);
  await rmdir(dir).catch((error: unknown) => (isTaken(error) ? null : nullIfMissing(error)));
}
