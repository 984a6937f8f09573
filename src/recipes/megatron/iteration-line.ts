import type { IterationReading } from '../log-dialect.js';

/** One iteration line of the training log. Fields that the line lacks are null. */
export interface IterationLine extends IterationReading {
  /** Average loss; NaN when the line is whole, has no loss and skipped nothing, which is how upstream tells a NaN. */
  readonly loss: number | null;
  readonly globalBatchSize: number | null;
  readonly tokensPerSample: number | null;
  readonly skippedIterations: number | null;
  readonly nanIterations: number | null;
  /** False when the end of the line is missing, because another rank's output or a crash cut it. */
  readonly isWhole: boolean;
  /** Host-local time without zone, as printed in front of the line, or null. */
  readonly time: string | null;
  /** All fields by the name they are printed with. */
  readonly fields: ReadonlyMap<string, number>;
}

/**
 * Finds the iteration lines in one line of a log. Usually none or one; more when ranks that share a pipe glued theirs.
 * Fields are found by name, wherever they stand.
 */
export function parseIterationLines(line: string): readonly IterationLine[] {
  const starts = [...line.matchAll(ITERATION)];
  return starts.map((start, index) => {
    const end = starts[index + 1]?.index ?? line.length;
    const from = start.index + start[0].length;
    const fields = parseFields(line.slice(from, Math.min(end, from + MAX_FIELDS_CHARS)));
    const before = line.slice(Math.max(0, start.index - TIME_CHARS), start.index);
    return describe(Number(start[1]), Number(start[2]), fields, TIME.exec(before)?.[1] ?? null);
  });
}

/** Reads a number as Python prints it, `nan`, `inf` and `INF` included; null when it is none. */
export function parsePythonNumber(text: string): number | null {
  const trimmed = text.trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed);
  const word = /^([+-]?)(nan|inf|infinity)$/i.exec(trimmed);
  if (word === null) return null;
  if (word[2]?.toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? -Infinity : Infinity;
}

/** Bounded repetition: a megabyte of blanks must not make the search quadratic. */
const ITERATION = /iteration\s{1,16}(\d{1,15})\/\s{0,16}(\d{1,15})\s{0,16}\|/g;

/** Fifteen fields take about 400 characters; what follows a longer text is not of this line. */
const MAX_FIELDS_CHARS = 4096;

const TIME = /\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\]\s*$/;
/** `[2025-12-03 10:15:30] ` with some blanks. */
const TIME_CHARS = 32;

/** A part is split at its last colon, because units in names hold colons in other dialects and values never do. */
function parseFields(text: string): ReadonlyMap<string, number> {
  const fields = new Map<string, number>();
  for (const part of text.split('|')) {
    const colon = part.lastIndexOf(': ');
    const value = colon < 0 ? null : parsePythonNumber(part.slice(colon + 2));
    if (value !== null) fields.set(part.slice(0, colon).trim(), value);
  }
  return fields;
}

/**
 * The loss scaler left out the only iteration of the line: gradients overflowed, the weights stay and no loss is
 * averaged. A loss that was no number is counted as such by the same line; one of weights that are none by the next.
 */
function wasSkipped(fields: ReadonlyMap<string, number>): boolean {
  const skipped = fields.get('number of skipped iterations') ?? 0;
  return skipped > 0 && fields.get(LAST_FIELD) === 0 && !fields.has('loss');
}

/** The last field of every iteration line. */
const LAST_FIELD = 'number of nan iterations';

function describe(
  iteration: number,
  of: number,
  fields: ReadonlyMap<string, number>,
  time: string | null,
): IterationLine {
  const field = (name: string): number | null => fields.get(name) ?? null;
  const isWhole = fields.has(LAST_FIELD);
  const isSkipped = wasSkipped(fields);
  return {
    iteration,
    of,
    loss: fields.get('loss') ?? (isWhole && !isSkipped ? Number.NaN : null),
    ...(isSkipped ? { isSkipped } : {}),
    learningRate: field('learning rate'),
    gradNorm: field('grad norm'),
    elapsedMs: field('elapsed time per iteration (ms)'),
    consumedSamples: field('consumed samples'),
    globalBatchSize: field('global batch size'),
    tokensPerSample: field('tokens per sample'),
    skippedIterations: field('number of skipped iterations'),
    nanIterations: field(LAST_FIELD),
    isWhole,
    time,
    fields,
  };
}
