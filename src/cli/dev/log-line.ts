import { hideSecrets } from '../../domain/text/hide-secrets.js';

/** Levels of pino by the words that other loggers write. */
const LEVELS = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  dpanic: 'fatal',
  panic: 'fatal',
  fatal: 'fatal',
} as const;

/** Line of another logger in the terms of ours. */
export interface ForeignLine {
  readonly level: (typeof LEVELS)[keyof typeof LEVELS];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Whether a line was written by our own logger, in another process, and so needs nothing more. */
export function isOwnLine(line: string): boolean {
  const { level, time, role } = fieldsOf(line) ?? {};
  return (
    typeof level === 'string' && Object.hasOwn(LEVELS, level) && typeof time === 'string' && typeof role === 'string'
  );
}

/**
 * A line of JSON as Go's loggers write it, or any other text: what a service says without a logger, such as its last
 * words, deserves attention.
 */
export function foreignLine(line: string): ForeignLine {
  const found = fieldsOf(line);
  if (found === null) return { level: 'warn', fields: {}, message: hideSecrets(line) };
  const { level, time, ts, msg, message = msg, ...fields } = found;
  return {
    level: levelOf(level),
    fields: { ...fields, ...loggedAt(time ?? ts) },
    message: hideSecrets(typeof message === 'string' ? message : line),
  };
}

function fieldsOf(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return { ...JSON.parse(line) };
  } catch {
    return null;
  }
}

/** Go's slog writes levels of its own as a distance, `ERROR+4`. */
function levelOf(level: unknown): ForeignLine['level'] {
  const word = String(level)
    .toLowerCase()
    .replace(/[+-]\d+$/, '');
  return isLevel(word) ? LEVELS[word] : 'warn';
}

function isLevel(word: string): word is keyof typeof LEVELS {
  return Object.hasOwn(LEVELS, word);
}

/** `time` is when our logger wrote the line. */
function loggedAt(time: unknown): Readonly<Record<string, unknown>> {
  return time === undefined ? {} : { loggedAt: time };
}
