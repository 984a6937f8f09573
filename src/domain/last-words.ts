/** A log as far as it may tell why something ended. */
export interface LastWords {
  /** Without what a program told of errors that it went on from. */
  readonly lines: readonly string[];
  /** Index of the first line of the last exception, with those that it follows from; 0 without one. */
  readonly from: number;
}

const IGNORED = /^(Exception ignored (in|on|while)\b|--- Logging error ---)/;
const TRACEBACK = /^Traceback \(most recent call last\):\s*$/;
/** Between two tracebacks: the second follows from the first. */
const CHAINED = /During handling of the above exception|The above exception was the direct cause of/;
/** Before a traceback: a thread or process ended of it, and the main one may say less. */
const UNHANDLED = /^(Exception in thread|Process \S+:$)/;
const WARNING = /^\W*W\d{4} |\bWARN(ING)?\b|\b(\w*Warning|warning): /;

/** Finds the last words of a log. */
export function lastWords(log: readonly string[]): LastWords {
  const lines = withoutIgnored(log);
  const starts = lines.flatMap((line, index) => (TRACEBACK.test(unmarked(line)) ? [index] : []));
  let from = starts.pop() ?? 0;
  for (const start of starts.toReversed()) {
    const isChained = lines.slice(start, from).some((line) => CHAINED.test(line));
    if (!isChained && !UNHANDLED.test(unmarked(lines[start - 1] ?? ''))) break;
    from = start;
  }
  return { lines, from };
}

/** Whether a line says itself that what it tells is no failure. */
export function isWarning(line: string): boolean {
  return WARNING.test(line);
}

/** Whether a line begins what Python says of an error that ends nothing: in a finalizer, in a handler of the log. */
export function isIgnored(line: string): boolean {
  return IGNORED.test(line);
}

/** Such a block has a traceback that ends with the first line behind it that is not indented. */
function withoutIgnored(log: readonly string[]): readonly string[] {
  let inside: 'no' | 'head' | 'stack' = 'no';
  return log.filter((line) => {
    const text = unmarked(line);
    if (isIgnored(text)) inside = 'head';
    else if (inside === 'head') inside = TRACEBACK.test(text) ? 'stack' : 'no';
    else if (inside === 'stack' && !/^\s/.test(text)) {
      inside = 'no';
      return false;
    }
    return inside === 'no';
  });
}

/** Without the `[rank3]: ` that torch puts before each line. */
function unmarked(line: string): string {
  return line.replace(/^\[rank\d+\]: ?/, '');
}
