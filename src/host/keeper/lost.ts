import { rmSync } from 'node:fs';
import { readBootId } from '../processes/identity.js';
import { sweep } from '../processes/sweep.js';
import type { SweepOptions, SweepResult } from '../processes/sweep.js';
import { createTracker } from '../processes/tracker.js';
import type { KeeperRecord } from '../../schemas/keeper.js';
import { writeJsonSync } from './atomic-write.js';
import { keeperMarker } from './environment.js';
import { readExitFile, readRecordFile, readRequestFile } from './files.js';
import { acquireLock } from './lock.js';
import type { KeeperPaths } from './paths.js';

/** Reason in `exit.json` of a command whose keeper was killed. */
export const KEEPER_LOST = 'keeper-lost';

/**
 * Closes the books of a keeper that was killed: sweeps what is left of its command and writes `exit.json` with an
 * unknown exit code. Never starts anything again, because the command may have had effects. Does nothing when another
 * process holds the lock (it is doing the same) or when there is an exit already.
 * @param graceMs time between TERM and KILL; that of the request when left out
 */
export async function settleLost(paths: KeeperPaths, graceMs?: number): Promise<void> {
  const lock = await acquireLock(paths.dir);
  if (lock === null) return;
  try {
    const record = readRecordFile(paths);
    if (record === null || readExitFile(paths) !== null) return;
    const request = readRequestFile(paths);
    const graceEndsAt = performance.now() + (graceMs ?? request?.graceMs ?? 0);
    const at = new Date().toISOString();
    const swept = await sweepRemains(paths, record, {
      graceEndsAt: () => graceEndsAt,
      killDeadlineMs: request?.killDeadlineMs ?? 60_000,
    });
    writeJsonSync(
      paths.exit,
      {
        v: 1,
        id: record.id,
        code: null,
        signal: null,
        startedAt: record.startedAt,
        endedAt: new Date().toISOString(),
        stop: { requestedBy: 'client', reason: KEEPER_LOST, at, isForced: swept.isForced },
        unkillable: swept.unkillable,
        spawnError: null,
      },
      true,
    );
    rmSync(record.socketPath, { force: true });
  } finally {
    await lock.release();
  }
}

/** Ends what is left of the command of a record, whose keeper is gone. */
export function sweepRemains(paths: KeeperPaths, record: KeeperRecord, options: SweepOptions): Promise<SweepResult> {
  return sweep(trackerOf(paths, record), options);
}

/** Pids and times of another boot name nobody now. */
function trackerOf(paths: KeeperPaths, record: KeeperRecord): ReturnType<typeof createTracker> {
  const marker = keeperMarker(paths.dir);
  if (record.keeper.bootId !== readBootId()) return createTracker({ marker, roots: [] });
  const roots = [...(record.child === null ? [] : [record.child]), ...record.sessions];
  return createTracker({ marker, roots, sinceTicks: record.keeper.startTicks });
}
