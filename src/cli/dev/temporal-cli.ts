import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { TemperError } from '../../domain/errors.js';

const run = promisify(execFile);
/** A healthy server answers in milliseconds; this is the patience with one that hangs. */
const ANSWER_LIMIT_MS = 10_000;

/** Where the program of the embedded server may lie. */
export interface FindOptions {
  /** Folder of this installation. */
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Path of the `temporal` program, which is also the embedded server: TEMPER_TEMPORAL_CLI, the one that set-up
 * installed, or the one on PATH. Throws `CommandMissing` when there is none.
 */
export function findTemporalCli({ root, home, env }: FindOptions): string {
  const chosen = env['TEMPER_TEMPORAL_CLI'];
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates =
    chosen === undefined
      ? [join(home, 'venv/bin'), join(root, '.temper/venv/bin'), ...onPath].map((folder) => join(folder, 'temporal'))
      : [chosen];
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  throw new TemperError('CommandMissing', {
    where: chosen ?? 'PATH',
    what: 'the program "temporal", which holds the embedded server, was not found',
    fix: 'npm start installs it; or set TEMPER_TEMPORAL_CLI to its path',
  });
}

/**
 * Raises how long finished runs stay in the history; 24 hours, the embedded server's default, forget them overnight.
 * Rejects while the server is not ready. `env` holds no settings for other servers.
 */
export async function setRetention(
  cli: string,
  env: Readonly<NodeJS.ProcessEnv>,
  { address, namespace, days }: { readonly address: string; readonly namespace: string; readonly days: number },
): Promise<void> {
  const args = [
    'operator',
    'namespace',
    'update',
    '--namespace',
    namespace,
    '--retention',
    `${days}d`,
    '--address',
    address,
  ];
  await run(cli, args, { timeout: ANSWER_LIMIT_MS, env });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
