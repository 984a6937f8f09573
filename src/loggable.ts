/** Deeper than any metadata worth reading; also what ends a cycle. */
const MAX_DEPTH = 5;

/** Ends of names, letters only, whose values are never logged: `taskToken`, `base64TaskToken`, `api_key`, … */
const SECRET = /(token|(api|access|private)key|authorization|password|passphrase|secret|credentials?)$/;

/** A field as it may be logged, as a list of one entry; of none when its name tells of a secret. */
export function loggable(key: string, value: unknown, depth = 0): [string, unknown][] {
  return SECRET.test(key.toLowerCase().replaceAll(/[^a-z]/g, '')) ? [] : [[key, plain(value, depth)]];
}

/** The value as JSON can hold it, without secrets inside. */
function plain(value: unknown, depth: number): unknown {
  // JSON has no 64-bit integers; the SDK's metadata has some.
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (value instanceof Map) return plain(Object.fromEntries(value), depth);
  if (value instanceof Set) return plain([...value], depth);
  // What makes an error readable is not enumerable.
  const head =
    value instanceof Error
      ? { type: value.name, message: value.message, stack: frames(value.stack), cause: value.cause }
      : {};
  const fields = Object.entries({ ...head, ...value }).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.flatMap(([name, field]) => loggable(name, field, depth + 1)));
}

/** Enough to find the place of a defect; an error has a stack for each of its causes. */
const MAX_FRAMES = 5;
const MAX_FRAME = 160;

/** The innermost calls, without the message, which stands beside them. */
function frames(stack: string | undefined): string | undefined {
  return stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) => line.trim().slice(0, MAX_FRAME))
    .join('\n');
}
