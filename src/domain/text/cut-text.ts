/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  return sum(text, utf8CharBytes);
}

/** Bytes of a text as a JSON string in UTF-8, without the quotes. */
export function jsonBytes(text: string): number {
  return sum(text, jsonCharBytes);
}

/** A text cut at a whole character so that its JSON has at most `limitBytes` in UTF-8; an ellipsis tells of the cut. */
export function cutToBytes(text: string, limitBytes: number): string {
  if (jsonBytes(text) <= limitBytes) return text;
  let kept = '';
  let bytes = jsonBytes(ELLIPSIS);
  for (const char of text) {
    bytes += jsonCharBytes(char);
    if (bytes > limitBytes) break;
    kept += char;
  }
  return `${kept}${ELLIPSIS}`;
}

/** Stands for what was cut off. */
export const ELLIPSIS = '…';

function sum(text: string, size: (char: string) => number): number {
  let bytes = 0;
  for (const char of text) bytes += size(char);
  return bytes;
}

/** Escapes are those of JSON.stringify, which also escapes halves of surrogate pairs. */
function jsonCharBytes(char: string): number {
  if ('"\\\b\f\n\r\t'.includes(char)) return 2;
  const point = char.codePointAt(0) ?? 0;
  return point < 0x20 || (point >= 0xd800 && point <= 0xdfff) ? 6 : utf8CharBytes(char);
}

/** Counted by hand, because the workflow sandbox has no Buffer. */
function utf8CharBytes(char: string): number {
  const point = char.codePointAt(0) ?? 0;
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}
