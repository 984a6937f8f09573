import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The only place that reads the environment; everything else gets values. */
export interface Config {
  /** Level of the logs: trace, debug, info, warn or error (TEMPER_LOG_LEVEL). */
  readonly logLevel: string;
  /** Root of this installation: the folder that holds `dist`. */
  readonly root: string;
  /** Python of the training environment (TEMPER_PYTHON), else the one that set-up made. */
  readonly python: string;
  /** Folder of `temper dev`'s state (TEMPER_HOME), else `.temper` in the installation. */
  readonly home: string;
}

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));

/** Reads the configuration from an environment. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const home = resolve(env['TEMPER_HOME'] ?? `${ROOT}/.temper`);
  return {
    logLevel: env['TEMPER_LOG_LEVEL'] ?? 'info',
    root: ROOT,
    home,
    python: env['TEMPER_PYTHON'] ?? `${home}/venv/bin/python`,
  };
}

/** The process environment, for handing chosen variables to commands. */
export function processEnv(): Readonly<NodeJS.ProcessEnv> {
  return process.env;
}
