import { TemperError } from '../errors.js';
import { showBytes } from './show-bytes.js';

/** What a piece of work finds of a disk or of memory, and what it needs of it. */
export interface Room {
  readonly freeBytes: number;
  readonly neededBytes: number;
  /** What needs it, as the end of a sentence: "for the environment". */
  readonly purpose?: string;
}

/** The error of a file system that cannot hold what is to be written into `where`, or null when it can. */
export function diskShortage(where: string, room: Room): TemperError | null {
  return isEnough(room) ? null : new TemperError('DiskTooSmall', { where, what: tell('free', room) });
}

/** The same of memory. */
export function ramShortage(room: Room): TemperError | null {
  return isEnough(room) ? null : new TemperError('RamTooSmall', { what: tell('available as memory', room) });
}

function isEnough({ freeBytes, neededBytes }: Room): boolean {
  return freeBytes >= neededBytes;
}

function tell(how: string, { freeBytes, neededBytes, purpose }: Room): string {
  const needed = `${showBytes(neededBytes)} are needed${purpose === undefined ? '' : ` ${purpose}`}`;
  return `${showBytes(freeBytes)} are ${how}, ${needed}`;
}
