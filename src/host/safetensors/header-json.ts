import { parseJsonObject } from './json-object.js';

/** What a header is as JSON, or what is wrong with it. */
export type HeaderJson =
  | { readonly value: Readonly<Record<string, unknown>>; readonly wrong: null }
  | { readonly wrong: string };

/**
 * Parses the header of a safetensors file as strictly as the library of that name, which refuses more than `JSON.parse`
 * does: numbers that are no plain integers, and fields that stand twice. Of a tensor that stands twice it takes the last
 * one, so that the other one would be lost; that is refused here.
 */
export function parseHeaderJson(bytes: Uint8Array): HeaderJson {
  const value = parseJsonObject(bytes);
  if (value === null) return { wrong: 'its header is not a JSON object' };
  const text = new TextDecoder().decode(bytes);
  const wrong = findLoose(text);
  return wrong === null ? { value, wrong } : { wrong };
}

const PLAIN_INTEGER = /^(0|-?[1-9]\d*)$/;
/** Characters of numbers in JSON. */
const IN_NUMBER = /[\d.eE+-]*/y;

/** Looks at every key and number of a text that is JSON for certain. By hand: headers hold ten thousands of tensors. */
function findLoose(text: string): string | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) {
        const wrong = noteKey(open.at(-1), text.slice(at, end));
        if (wrong !== null) return wrong;
      }
      at = end - 1;
    } else if (char === '{') open.push(new Set());
    else if (char === '}') open.pop();
    else if (char === '-' || (char !== undefined && char >= '0' && char <= '9')) {
      IN_NUMBER.lastIndex = at;
      const [number = ''] = IN_NUMBER.exec(text) ?? [];
      if (!PLAIN_INTEGER.test(number)) return `its number ${number} is no plain integer`;
      at += number.length - 1;
    }
  }
  return null;
}

/** Where a string that begins at `from` is over: behind its closing quote. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}

function noteKey(known: Set<string> | undefined, quoted: string): string | null {
  const name = quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
  if (!name.isWellFormed()) return `its name ${JSON.stringify(name)} is no text`;
  if (known?.has(name) === true) return `${name} stands in it twice`;
  known?.add(name);
  return null;
}
