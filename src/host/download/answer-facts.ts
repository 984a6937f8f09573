import { NoRanges } from './failures.js';
import { oneHeader } from './http-door.js';
import type { Answer } from './http-door.js';

/** What names the version of a file in an answer: its ETag, else the time of its last change, else nothing. */
export function validatorOf({ headers }: Pick<Answer, 'headers'>): string | null {
  return oneHeader(headers['etag']) ?? oneHeader(headers['last-modified']);
}

/** The validator as If-Range takes it, or null: a weak ETag does not promise equal bytes (RFC 9110, 13.1.5). */
export function ifRange(validator: string | null): string | null {
  return validator === null || validator.startsWith('W/') ? null : validator;
}

/** Place of the bytes of a 206 answer that was asked for `from` to before `to`, and the size of the whole file. */
export function rangeOf(
  { headers }: Pick<Answer, 'headers'>,
  from: number,
  to: number,
): { readonly to: number; readonly bytes: number } {
  const text = oneHeader(headers['content-range']) ?? '';
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(text.trim());
  const [, first, last, total] = (match ?? []).map(Number);
  if (first === undefined || last === undefined || total === undefined)
    throw new NoRanges(`a part was answered with Content-Range ${JSON.stringify(text)}`);
  // A server may send less than it was asked for, never something else.
  if (first !== from || last < first || last >= to || last >= total)
    throw new NoRanges(`bytes ${from}-${to - 1} were asked for, Content-Range is ${JSON.stringify(text)}`);
  const length = lengthOf({ headers });
  if (length !== null && length !== last - first + 1)
    throw new NoRanges(`Content-Length ${length} does not fit Content-Range ${JSON.stringify(text)}`);
  return { to: last + 1, bytes: total };
}

/** Content-Length of an answer, or null. */
export function lengthOf({ headers }: Pick<Answer, 'headers'>): number | null {
  const text = oneHeader(headers['content-length']);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Whether the end of the body can be told from a lost connection. */
export function hasEnd(answer: Pick<Answer, 'headers'>): boolean {
  const coding = oneHeader(answer.headers['transfer-encoding']) ?? '';
  return lengthOf(answer) !== null || /\bchunked\b/i.test(coding);
}
