import { TextDecoder } from 'node:util';
import type { Finding } from './finding.js';

/** Largest spec in bytes: a plan of this size still fits into one Temporal payload. */
export const MAX_SPEC_BYTES = 65_536;
/** Real specs nest five levels; the YAML parser runs out of memory at some thousand. */
const MAX_NESTING = 64;

const TOO_LARGE: Finding = {
  id: 'text/too-large',
  place: { offset: 0 },
  what: `the file has more than ${MAX_SPEC_BYTES} bytes`,
  why: 'a spec is written by people and travels whole with the run',
  fix: 'name large lists in files of their own; is this the data set instead of the spec?',
};

/** What is wrong with a text before anybody parses it; with a finding here it must not reach the parser. */
export function checkText(text: string): Finding | null {
  if (Buffer.byteLength(text) > MAX_SPEC_BYTES) return TOO_LARGE;
  const nul = text.indexOf('\u0000');
  if (nul >= 0) return binary(nul, `a NUL character stands at offset ${nul}`);
  const replaced = text.search(/[\ufffd\ufffe]/);
  if (replaced >= 0) return binary(replaced, `broken text stands at offset ${replaced}`);
  const nested = findDeepNesting(text);
  if (nested === null) return null;
  return {
    id: 'text/too-deep',
    place: { offset: nested },
    what: `more than ${MAX_NESTING} levels are nested`,
    why: 'no spec nests that deep and a parser could run out of memory',
    fix: 'close the brackets, or write one entry per line',
  };
}

/** Text of the bytes of a spec file, and why they are none, if so: then the text is what can be read of them. */
export function decodeSpec(bytes: Uint8Array): { readonly text: string; readonly finding?: Finding } {
  if (bytes.byteLength > MAX_SPEC_BYTES) return { text: '', finding: TOO_LARGE };
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) return { text: '', finding: binary(0, 'the file is UTF-16') };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const text = new TextDecoder('utf-8').decode(bytes);
    return { text, finding: binary(text.indexOf('\ufffd'), 'the file holds bytes that are not UTF-8') };
  }
}

function binary(offset: number, what: string): Finding {
  return {
    id: 'text/binary',
    place: { offset },
    what,
    why: 'a spec is UTF-8 text',
    fix: 'save the file as UTF-8 text',
  };
}

/** A comment up to its end. One with a quote may be text that goes on behind a closing quote, so that one counts. */
const COMMENT = /(?<=^|[ \t])#[^"'\r\n]*$/gm;

/** Offset at which flow brackets or list dashes nest deeper than allowed. Quotes are not understood: the limit is far above need. */
function findDeepNesting(whole: string): number | null {
  const text = whole.replaceAll(COMMENT, (comment) => ' '.repeat(comment.length));
  let depth = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const char = text[offset];
    if (char === '[' || char === '{') depth += 1;
    else if ((char === ']' || char === '}') && depth > 0) depth -= 1;
    if (depth > MAX_NESTING) return offset;
  }
  const dashes = /^[ \t]*(?:[-?:][ \t]+){16}/m.exec(text);
  return dashes === null ? null : dashes.index;
}
