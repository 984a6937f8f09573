// Long enough to recognise a value, short enough that a report of thousands of rows stays readable.
const SHOWN_CHARACTERS = 60;

/** Describes any JSON value in one short printable line, for messages: `"a text…"`, `an array of 3`, `null`. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return showText(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const keys = Object.keys(value);
  return keys.length === 0
    ? 'an empty object'
    : `an object with ${keys.slice(0, 5).map(showText).join(', ')}${keys.length > 5 ? ', …' : ''}`;
}

// JSON.stringify escapes control characters and lone surrogates, so the result is safe for any terminal or log.
function showText(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}…` : JSON.stringify(text);
}
