import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { ATTEMPT_RECORD, attemptFolder } from '../../domain/ids.js';

/** First argument of the keeper program when it is started as the looker of another keeper. */
export const LOOK_ARGUMENT = '--look-at-fence';

/** What one look at the workspace found; one line of JSON from the looker to its keeper. */
export type Look =
  /** `attempt` is the one that the fence names, null where it names none. */
  { readonly kind: 'read'; readonly attempt: number | null } | { readonly kind: 'unreadable'; readonly why: string };

/**
 * The looker: answers each line on stdin with one look, and ends when its keeper does, however that ended.
 *
 * It reads asynchronously so that a read that hangs leaves it free to see the end of stdin; and it ends by SIGKILL,
 * because `process.exit` would wait for that read. One look at a time is asked for.
 */
export function serveLooks(file: string, attempt: number): void {
  process.stdin.on('data', () => {
    void look(file, attempt).then((found) => process.stdout.write(`${JSON.stringify(found)}\n`));
  });
  process.stdin.on('close', () => process.kill(process.pid, 'SIGKILL'));
  // The keeper closed its end: what was to be written has no reader.
  process.stdout.on('error', () => process.kill(process.pid, 'SIGKILL'));
}

/** Reads the fence once. Never rejects, but may never settle where the file system hangs. */
export async function look(file: string, attempt: number): Promise<Look> {
  try {
    const named = await readAttempt(file);
    // Without the own attempt's record the workspace is not there: its run was deleted, or it is the empty mount point
    // of a file system that is gone. The folder would tell nothing: ranks make it again there, for their curves and
    // checkpoints. A newer fence counts all the same.
    if (named === null || named <= attempt) await stat(join(dirname(file), attemptFolder(attempt), ATTEMPT_RECORD));
    return { kind: 'read', attempt: named };
  } catch (error) {
    return { kind: 'unreadable', why: errorText(error) };
  }
}

/**
 * The attempt that the fence names. A file that is missing or damaged names none: it says nothing about a newer
 * attempt, whose opener would have raised it again, so ending days of work for it would be wrong. A format that is too
 * new is another matter: only a newer Temper writes it, and what it means is not known, so it counts as unreadable.
 */
async function readAttempt(file: string): Promise<number | null> {
  const text = await readFile(file, 'utf8').catch(nullIfMissing);
  if (text === null) return null;
  const value = parse(text);
  if (typeof value !== 'object' || value === null || !('v' in value) || !('attempt' in value)) return null;
  if (typeof value.v === 'number' && value.v > 1) throw new Error(`${file} has format ${value.v}, known is 1`);
  return value.v === 1 && Number.isSafeInteger(value.attempt) ? Number(value.attempt) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
