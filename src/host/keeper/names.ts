import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { readMachineId } from '../processes/identity.js';

/** Environment variable that tells a person which keeper a process belongs to. */
export const KEEPER_ID_VARIABLE = 'TEMPER_KEEPER_ID';
/** Environment variable by which a sweep recognises the processes of one keeper; a hash, see `keeperKey`. */
export const KEEPER_KEY_VARIABLE = 'TEMPER_KEEPER_DIR';
/** Environment variable of every keeper and every command of one scratch folder, for the sweep of leftovers. */
export const SCRATCH_KEY_VARIABLE = 'TEMPER_SCRATCH_DIR';

/** Names a keeper folder on this host: same folder, same key, whichever path or process looks at it. */
export function keeperKey(keeperDir: string): string {
  return folderKey(keeperDir);
}

/** Names a scratch folder on this host. */
export function scratchKey(scratch: string): string {
  return folderKey(scratch);
}

/** Name of the abstract socket that only one process of the host can hold; it vanishes with its holder. */
export function lockName(keeperDir: string): string {
  return `\0temper-keeper-${keeperKey(keeperDir)}`;
}

/** 128 bits: short enough for a socket path, too many for an accident. */
function folderKey(dir: string): string {
  return createHash('sha256')
    .update(`${readMachineId()}\0${canonical(dir)}`)
    .digest('hex')
    .slice(0, 32);
}

function canonical(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    // Already removed: its processes may still be there, and were named by the path without links.
    return resolve(dir);
  }
}
