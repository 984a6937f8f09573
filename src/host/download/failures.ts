import { hasCode } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { TemperError } from '../../domain/errors.js';

/** A failure after which the same request may work: the network, the server, or an answer that was no answer to it. */
export class Passing extends Error {
  override readonly name = 'Passing';
  /** What the server asked for with Retry-After, in milliseconds. */
  readonly askedWaitMs: number | null;

  constructor(message: string, askedWaitMs: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.askedWaitMs = askedWaitMs;
  }
}

/** An answer that the same server will most likely give again; another one behind its address may do better. */
export class Lasting extends Passing {}

/** The server does not answer requests for ranges as it must; the whole file may still be had. */
export class NoRanges extends Error {
  override readonly name = 'NoRanges';
}

/** The file at the server is another one than the part that is here. */
export class Changed extends Error {
  override readonly name = 'Changed';
}

/** Turns a failure of the local disk into what a user can do about it; everything else stays as it is. */
export function diskFailure(error: unknown, where: string): unknown {
  const why = errorText(error);
  if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    return new TemperError('DiskTooSmall', {
      where,
      what: 'the disk is full, or a limit of it is reached',
      why,
      fix: 'free disk space; what is downloaded stays, and the same command goes on from there',
    });
  }
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS'))
    return new TemperError('WorkspaceUnusable', { where, what: 'the download cannot be written', why });
  return error;
}

/** Runs a piece of work on the local disk; its failures say what a user can do. */
export async function onDisk<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(error, where);
  }
}
