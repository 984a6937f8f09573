import { systemErrorCode } from './keeper/errors.js';

/** For `.catch` of a look at the disk: what is not there is null; any other error tells nothing about what is there. */
export function nullIfMissing(error: unknown): null {
  if (systemErrorCode(error) === 'ENOENT') return null;
  throw error;
}
