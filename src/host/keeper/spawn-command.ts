import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import type { KeeperExit } from '../../schemas/keeper.js';
import { systemErrorCode } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { commandEnvironment } from './environment.js';
import type { KeeperPaths } from './paths.js';
import type { CommandRequest } from './request-file.js';

/** How the process of argv ended. */
export type CommandEnd = Pick<KeeperExit, 'code' | 'signal' | 'spawnError'>;

/** A command that was started, or could not be. */
export interface SpawnedCommand {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Settles when the process of argv ended; never rejects. */
  readonly end: Promise<CommandEnd>;
}

/**
 * Starts argv in a session of its own, without input, with its output appended to the keeper's files.
 * @param umask file mode mask for the command; the keeper itself runs with a private one
 */
export function spawnCommand(request: CommandRequest, paths: KeeperPaths, umask: number): SpawnedCommand {
  const [program = '', ...args] = request.argv;
  const files: number[] = [];
  const ownUmask = process.umask();
  try {
    for (const path of [paths.stdout, paths.stderr]) files.push(openSync(path, 'a', 0o600));
    process.umask(umask);
    const child = spawn(program, args, {
      cwd: request.cwd,
      env: commandEnvironment(request, paths.dir),
      // setsid: signals to the worker's or the keeper's group do not reach it, and it has no terminal.
      detached: true,
      stdio: ['ignore', ...files],
    });
    return { pid: child.pid, end: endOf(child, request) };
  } catch (error) {
    // The log files could not be made, or one of the failures (ENOEXEC, E2BIG) that Node reports by throwing.
    return { pid: undefined, end: Promise.resolve(notStarted(error, request)) };
  } finally {
    process.umask(ownUmask);
    for (const file of files) closeSync(file);
  }
}

function endOf(child: ChildProcess, request: CommandRequest): Promise<CommandEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, spawnError: null }));
    child.once('error', (error) => resolve(notStarted(error, request)));
  });
}

function notStarted(error: unknown, request: CommandRequest): CommandEnd {
  const code = systemErrorCode(error) ?? 'UNKNOWN';
  return { code: null, signal: null, spawnError: { code, message: explain(code, error, request) } };
}

/** The system says ENOENT for a missing program and for a missing working folder alike. */
function explain(code: string, error: unknown, { argv: [program = ''], cwd, env }: CommandRequest): string {
  if (code === 'ENOENT' && !existsSync(cwd)) return `working folder ${cwd} does not exist`;
  if (code === 'ENOENT' && !program.includes('/')) {
    return `program ${program} was not found in PATH=${env['PATH'] ?? process.env['PATH'] ?? ''}`;
  }
  if (code === 'ENOENT') return `program ${program}, or the interpreter that it names, does not exist`;
  if (code === 'EACCES') return `program ${program} is not executable, or ${cwd} may not be entered`;
  return `program ${program} could not be started in ${cwd}: ${errorText(error)}`;
}
