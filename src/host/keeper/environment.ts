import { NETWORK_VARIABLES, WORKER_VARIABLES } from '../../domain/network-variables.js';
import { isSecretName } from '../../domain/text/secret-name.js';
import { keeperKey, scratchKey, KEEPER_ID_VARIABLE, KEEPER_KEY_VARIABLE, SCRATCH_KEY_VARIABLE } from './names.js';
import { scratchOf } from './paths.js';

/** A process environment: names and values. */
export type Environment = Readonly<Record<string, string | undefined>>;

const NETWORK_NAME = new RegExp(NETWORK_VARIABLES, 'i');
const WORKER_NAME = new RegExp(WORKER_VARIABLES);

/**
 * The environment that a keeper inherits from its worker: everything but secrets, unless its request names them.
 *
 * This is the one place besides the configuration that looks at the environment of the process: what a command
 * inherits (PATH, LD_LIBRARY_PATH, vendor set-up) is the host's, not a setting of Temper.
 */
export function inheritedEnvironment(
  secretNames: readonly string[],
  own: Environment = process.env,
): Record<string, string> {
  const isPassed = (name: string): boolean =>
    secretNames.includes(name) || !(isSecretName(name) || WORKER_NAME.test(name));
  return Object.fromEntries(
    Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined && isPassed(entry[0])),
  );
}

/** The environment of the command: what the keeper inherited, the request's additions, and the markers. */
export function commandEnvironment(
  request: { readonly id: string; readonly env: Readonly<Record<string, string>>; readonly fence?: unknown },
  keeperDir: string,
): Record<string, string> {
  // Whatever reached the keeper was let through by its worker.
  const inherited = Object.entries(inheritedEnvironment(Object.keys(process.env)));
  // Only the ranks of an attempt have a fence.
  const isPassed = (name: string): boolean => request.fence === undefined || !NETWORK_NAME.test(name);
  return {
    ...Object.fromEntries(inherited.filter(([name]) => isPassed(name))),
    ...request.env,
    [KEEPER_ID_VARIABLE]: request.id,
    [KEEPER_KEY_VARIABLE]: keeperKey(keeperDir),
    [SCRATCH_KEY_VARIABLE]: scratchKey(scratchOf(keeperDir)),
  };
}

/** The entry "NAME=value" that every process of the keeper's command carries. */
export function keeperMarker(keeperDir: string): string {
  return `${KEEPER_KEY_VARIABLE}=${keeperKey(keeperDir)}`;
}

/** The entry "NAME=value" that every keeper and every command of a scratch folder carries. */
export function scratchMarker(scratch: string): string {
  return `${SCRATCH_KEY_VARIABLE}=${scratchKey(scratch)}`;
}
