import { spawn } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import type { KeeperRequest } from '../../schemas/keeper.js';
import { errorText } from '../../domain/text/error-text.js';
import { writeJsonSync } from './atomic-write.js';
import { inheritedEnvironment } from './environment.js';
import type { Environment } from './environment.js';
import { KeeperError } from './errors.js';
import { scratchKey, SCRATCH_KEY_VARIABLE } from './names.js';
import { scratchOf } from './paths.js';
import type { KeeperPaths } from './paths.js';

/** A keeper process that was started; whether it got the lock is for its folder to tell. */
export interface LaunchedKeeper {
  /** Exit code, null for a signal; undefined while it runs. */
  exitCode(): number | null | undefined;
}

/** Makes the private folder of a keeper. Throws `KeeperError` when the disk does not let it. */
export function makeKeeperFolder(paths: KeeperPaths): void {
  attempt(paths, () => mkdirSync(paths.dir, { recursive: true, mode: 0o700 }));
}

/**
 * Writes request and program, and starts the keeper in a session of its own. Two callers at the same time do no harm:
 * both write the same, and the lock lets one of the keepers go on.
 */
export function launchKeeper(
  paths: KeeperPaths,
  bundlePath: string,
  request: KeeperRequest,
  environment: Environment | undefined,
): LaunchedKeeper {
  if (!existsSync(bundlePath)) throw bundleMissing(bundlePath);
  const log = attempt(paths, () => {
    const temporary = `${paths.program}.tmp-${process.pid}`;
    copyFileSync(bundlePath, temporary);
    renameSync(temporary, paths.program);
    writeJsonSync(paths.request, request, true);
    return openSync(paths.log, 'a', 0o600);
  });
  try {
    const child = spawn(process.execPath, [paths.program, paths.dir], {
      cwd: '/',
      env: {
        ...inheritedEnvironment(request.secretEnv, environment),
        [SCRATCH_KEY_VARIABLE]: scratchKey(scratchOf(paths.dir)),
      },
      detached: true,
      stdio: ['ignore', log, log],
    });
    let exitCode: number | null | undefined;
    child.once('exit', (code) => (exitCode = code));
    // Node itself could not be started: no process or memory left.
    child.once('error', () => (exitCode = null));
    child.unref();
    return { exitCode: () => exitCode };
  } finally {
    closeSync(log);
  }
}

function attempt<T>(paths: KeeperPaths, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new KeeperError(
      {
        code: 'keeper-folder-unusable',
        what: 'keeper folder cannot be written',
        where: paths.dir,
        why: `${errorText(error)}.`,
        fix: 'make scratch a folder on a local disk with free space that the worker owns',
        isRetryable: true,
      },
      { cause: error },
    );
  }
}

function bundleMissing(bundlePath: string): KeeperError {
  return new KeeperError({
    code: 'keeper-bundle-missing',
    what: 'keeper program is missing',
    where: bundlePath,
    why: 'It is made at build time.',
    fix: 'run npm run build',
    isRetryable: false,
  });
}
