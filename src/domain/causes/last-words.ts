/** A log as far as it may tell why something ended. */
export interface LastWords {
  /** Without what a program told of errors that it went on from. */
  readonly lines: readonly string[];
  /** Index of the first line of the last exception, with those that it follows from; 0 without one. */
  readonly from: number;
  /** First line of its message; null without one. */
  readonly exception: string | null;
  /** Whether the log says that nothing caught it: torch marks what ends a main thread, Python what ends another one. */
  readonly isUncaught: boolean;
  /** Indexes that hold the exception with its whole message, or without one the last lines: first, and behind the last. */
  readonly own: readonly [number, number];
  /** Index of the first line of the message. */
  readonly saidAt: number;
}

const IGNORED = /^(Exception ignored (in|on|while)\b|Error in atexit\._run_exitfuncs:|--- Logging error ---)/;
const TRACEBACK = /^Traceback \(most recent call last\):\s*$/;
/** Between two tracebacks: the second follows from the first. */
const CHAINED = /During handling of the above exception|The above exception was the direct cause of/;
/** Before a traceback: a thread or process ended of it, and the main one may say less. */
const UNHANDLED = /^(Exception in thread|Process \S+:$)/;
const WARNING = /^\W*W(\d{4})? |\bWARN(ING)?\b|\b(\w*Warning|warning): /;
/** How torch marks what ends the main thread (`_distributed_excepthook`); other threads and children have no mark. */
const MARK = /^\[rank\d+\]: /;
/** Behind the message of an exception: what another part of the program says. */
const RECORD =
  /^(\[|[WEIF]\d{4} |\d{4}-\d\d-\d\d[ T]|(WARNING|ERROR|INFO|DEBUG)\b|terminate called|Exception in |Process \S+:$)/;
/** Stacks of C++ and empty lines; they say nothing. */
const FRAME = /^\s*(frame )?#\d+\b|^\s*$/;
/** What a process says while it ends: some libraries add a few lines of their own to the one that says why. */
const LAST_LINES = 20;

/** Finds the last words of a log. */
export function lastWords(log: readonly string[]): LastWords {
  const lines = withoutIgnored(log);
  const all = lines.flatMap((line, index) => (TRACEBACK.test(unmarked(line)) ? [index] : []));
  const marked = all.filter((index) => MARK.test(lines[index] ?? ''));
  const starts = marked.length > 0 ? marked : all;
  const last = starts.pop();
  if (last === undefined) {
    const own = [spokenIn(lines).at(-LAST_LINES) ?? 0, lines.length] as const;
    return { lines, from: 0, exception: null, isUncaught: false, own, saidAt: lines.length };
  }
  let from = last;
  for (const start of starts.toReversed()) {
    const isChained = lines.slice(start, from).some((line) => CHAINED.test(line));
    if (!isChained && !UNHANDLED.test(unmarked(lines[start - 1] ?? ''))) break;
    from = start;
  }
  const { at, to, exception } = messageAfter(lines, last);
  const isUncaught = MARK.test(lines[last] ?? '') || UNHANDLED.test(unmarked(lines[from - 1] ?? ''));
  return { lines, from, exception, isUncaught, own: [from, to], saidAt: at };
}

/**
 * The last words of a process that crashed. An exception that it said much more after was caught, unless the log says
 * otherwise: then what came behind it is left. Messages may have several lines, which nothing marks.
 */
export function wordsOfCrash(words: LastWords): LastWords {
  const { lines, exception, isUncaught, saidAt } = words;
  const behind = lines.slice(saidAt + 1);
  const dump = behind.findIndex((line) => DUMP.test(unmarked(line)));
  const said = spokenIn(dump < 0 ? behind : behind.slice(0, dump));
  if (exception === null || isUncaught || said.length < LAST_LINES) return words;
  const own = [spokenIn(behind).at(-LAST_LINES) ?? 0, behind.length] as const;
  return { lines: behind, from: 0, exception: null, isUncaught: false, own, saidAt: behind.length };
}

/** What faulthandler says of a crash, with the stacks of all threads behind it. */
const DUMP = /^Fatal Python error: /;

/** Indexes of the lines that say something. */
function spokenIn(lines: readonly string[]): number[] {
  return lines.flatMap((line, index) => (FRAME.test(unmarked(line)) ? [] : [index]));
}

/** Where the message of the traceback that begins at `start` ends, and its first line. */
function messageAfter(
  lines: readonly string[],
  start: number,
): { readonly at: number; readonly to: number; readonly exception: string | null } {
  const at = lines.findIndex((line, index) => index > start && !/^\s|^$/.test(unmarked(line)));
  if (at < 0) return { at: lines.length, to: lines.length, exception: null };
  const isMarked = MARK.test(lines[start] ?? '');
  const end = lines.findIndex(
    (line, index) => index > at && line !== '' && (RECORD.test(unmarked(line)) || (isMarked && !MARK.test(line))),
  );
  return { at, to: end < 0 ? lines.length : end, exception: unmarked(lines[at] ?? '') };
}

/** Whether a line says itself that what it tells is no failure. */
export function isWarning(line: string): boolean {
  return WARNING.test(unmarked(line));
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
