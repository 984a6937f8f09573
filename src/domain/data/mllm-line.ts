import type { Message } from './mllm-row.js';

/** What JSON writes in other ways than by a backslash before it or as \n: left to `JSON.stringify`. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const RARE = /[\u0000-\u0009\u000b-\u001f\ud800-\udfff]/;

/**
 * One row as JSON, with exactly the columns images and messages; the same text as `JSON.stringify` gives. Strings are
 * nearly all of a row, and the searches for the few characters that need an escape are native and much faster than the
 * writer of Node 20, which looks at each character.
 */
export function mllmLine(images: readonly string[], messages: readonly Message[]): string {
  let line = '{"images":[';
  for (const [index, image] of images.entries()) line += `${index === 0 ? '' : ','}${quoteJson(image)}`;
  line += '],"messages":[';
  let separator = '';
  for (const { role, content } of messages) {
    line += `${separator}{"role":"${role}","content":${quoteJson(content)}}`;
    separator = ',';
  }
  return `${line}]}`;
}

/** A text as a JSON string. */
export function quoteJson(text: string): string {
  if (RARE.test(text)) return JSON.stringify(text);
  let escaped = text;
  if (escaped.includes('\\')) escaped = escaped.replaceAll('\\', '\\\\');
  if (escaped.includes('"')) escaped = escaped.replaceAll('"', '\\"');
  if (escaped.includes('\n')) escaped = escaped.replaceAll('\n', '\\n');
  return `"${escaped}"`;
}
