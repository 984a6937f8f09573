import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeeperExit } from '../../schemas/keeper.js';
import { errorText } from '../../domain/text/error-text.js';
import { writeJsonSync } from './atomic-write.js';
import { orphanDuty, rankLogDuty, recordDuty, startDuties, trackDuty } from './duties.js';
import { FENCED, fenceDuty } from './fence-duty.js';
import { isFencedOff } from './fence-check.js';
import { KeptCommand } from './kept-command.js';
import { acquireLock } from './lock.js';
import { startLooker } from './looker.js';
import { chooseSocketPath, keeperPaths, scratchOf } from './paths.js';
import { parseRequest } from './request-file.js';
import { listenForClients } from './server.js';

/**
 * Runs the command of a keeper folder to its proven end. Returns at once, having done nothing, when another keeper
 * of the folder runs or ran: a command is started once in the life of an id.
 *
 * All files and /proc are read synchronously and only on local disks: asynchronous reads share four threads, and four
 * that hang would stop the keeper for good. The workspace is read by a process of its own, see `startLooker`.
 */
export async function runKeeper(dir: string, log: (text: string) => void): Promise<void> {
  const commandUmask = process.umask(0o077);
  const paths = keeperPaths(dir);
  const lock = await acquireLock(dir);
  // A record without an exit is a keeper that was killed: its command may have had effects, so only a client decides.
  if (lock === null || existsSync(paths.record) || existsSync(paths.exit)) return;

  const request = parseRequest(readFileSync(paths.request, 'utf8'), paths.request);
  if (request.fence !== undefined && isFencedOff(scratchOf(dir), request.fence)) {
    return writeJsonSync(paths.exit, neverStarted(request.id), true);
  }
  const socketPath = chooseSocketPath(dir);
  rmSync(socketPath, { force: true });
  const command = new KeptCommand(request, paths, socketPath);
  const server = await listenForClients(socketPath, command);
  command.start(commandUmask);

  // From here on a fault of the keeper's own must not leave the command alone.
  process.on('uncaughtException', (error) => log(`unexpected: ${error.stack ?? error.message}`));
  process.on('SIGHUP', () => log('SIGHUP ignored'));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => command.requestStop({ requestedBy: 'signal', reason: `keeper got ${signal}` }));
  }
  const looker = request.fence === undefined ? null : startLooker(paths.program, request.fence);
  const fences = request.fence === undefined || looker === null ? [] : [fenceDuty(request.fence, looker, log)];
  const duties = startDuties([rankLogDuty, trackDuty, orphanDuty, recordDuty, ...fences], command, log);

  const exit = await command.ended;
  // Before exit.json, so that whoever sees the end also sees the last logs linked.
  duties.finish();
  await persist(
    () => writeJsonSync(paths.exit, exit, true),
    (error) => {
      log(`exit.json cannot be written, trying again every second: ${errorText(error)}`);
      command.tellUnwritten(exit);
    },
  );
  server.close();
  rmSync(socketPath, { force: true });
  await looker?.close();
}

/** The end of a command that was not started, because the host has seen a newer attempt since it was asked for. */
function neverStarted(id: string): KeeperExit {
  const at = new Date().toISOString();
  return {
    v: 1,
    id,
    code: null,
    signal: null,
    startedAt: at,
    endedAt: at,
    stop: { requestedBy: 'keeper', reason: FENCED, at, isForced: false },
    unkillable: [],
    spawnError: null,
  };
}

/** With a full disk the keeper stays, and tells the end on its socket until the file can be written. */
async function persist(write: () => void, onFirstFailure: (error: unknown) => void): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      write();
      return;
    } catch (error) {
      if (isFirst) onFirstFailure(error);
      await sleep(1_000);
    }
  }
}
