import { isIgnored } from '../../domain/causes/last-words.js';

/** One failed rank in the summary that torchrun prints at its end. */
export interface FailedRank {
  readonly rank: number;
  readonly localRank: number;
  /** Exit status; negative for a signal. */
  readonly exitCode: number;
  /** Name such as `SIGKILL`, or null. */
  readonly signal: string | null;
  readonly pid: number;
  readonly host: string | null;
  /** Host-local time, `2026-11-23_19:45:00`, or null. */
  readonly time: string | null;
}

/** torchrun's view of a failure: which rank failed first on this host, and which others did. */
export interface TorchrunSummary {
  readonly rootCause: FailedRank;
  readonly others: readonly FailedRank[];
}

/** Reads the last failure summary in a piece of torchrun's output, or null when there is none or it is cut. */
export function parseTorchrunSummary(output: string): TorchrunSummary | null {
  const rootAt = output.lastIndexOf(ROOT_CAUSE);
  if (rootAt < 0) return null;
  const [rootCause] = parseRanks(output.slice(rootAt, rootAt + MAX_SECTION_CHARS));
  if (rootCause === undefined) return null;
  const listAt = output.lastIndexOf('\nFailures:', rootAt);
  const list = listAt < 0 ? '' : output.slice(Math.max(listAt, rootAt - MAX_SECTION_CHARS), rootAt);
  return { rootCause, others: parseRanks(list) };
}

/** The exception that ended a rank, from the last line of its traceback. */
export interface TracebackEnd {
  /** Global rank from the `[rank3]:` in front of the lines, or null without one. */
  readonly rank: number | null;
  /** Class of the exception with its module, such as `torch.OutOfMemoryError`. */
  readonly exception: string;
  readonly message: string;
}

/**
 * Finds the exceptions at the ends of the Python tracebacks in some log lines, in their order. Lines of several ranks
 * may alternate. In a chain of exceptions each one is told; the last is the one that ended the rank. What Python ignored
 * (in a finalizer, while it ends) is none.
 */
export function parseTracebacks(lines: readonly string[]): readonly TracebackEnd[] {
  const ends: TracebackEnd[] = [];
  const open = new Set<number | null>();
  const ignored = new Set<number | null>();
  for (const line of lines) {
    const { rank, text } = splitRank(line.slice(0, MAX_LINE_CHARS));
    if (isIgnored(text)) {
      ignored.add(rank);
    } else if (text.includes('Traceback (most recent call last):')) {
      open.add(rank);
    } else if (open.has(rank) && !/^\s|^$/.test(text)) {
      const end = /^([A-Za-z_][\w.]{0,200})(?::\s?(.*))?$/.exec(text);
      open.delete(rank);
      if (!ignored.delete(rank) && end !== null) ends.push({ rank, exception: end[1] ?? '', message: end[2] ?? '' });
    }
  }
  return ends;
}

const ROOT_CAUSE = 'Root Cause (first observed failure):';

/** 16 ranks with eight lines each take about 8 kB; anything longer is not one summary. */
const MAX_SECTION_CHARS = 65_536;

/** Messages of exceptions can hold whole tensors. */
const MAX_LINE_CHARS = 2000;

/** Linux's numbers of the signals that end ranks; torch 2.7 tells no name beside the exit status, torch 2.13 does. */
const SIGNALS: ReadonlyMap<number, string> = new Map([
  [1, 'SIGHUP'],
  [2, 'SIGINT'],
  [3, 'SIGQUIT'],
  [4, 'SIGILL'],
  [5, 'SIGTRAP'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [8, 'SIGFPE'],
  [9, 'SIGKILL'],
  [11, 'SIGSEGV'],
  [15, 'SIGTERM'],
  [24, 'SIGXCPU'],
  [31, 'SIGSYS'],
]);

/** Blocks start with `[0]:`; fields stand one to a line, their order does not matter. */
function parseRanks(section: string): readonly FailedRank[] {
  return section
    .split(/^\s*\[\d{1,6}\]:\s*$/m)
    .slice(1)
    .flatMap((block) => {
      const rank = /^\s*rank\s*:\s*(\d{1,9}) \(local_rank: (\d{1,9})\)/m.exec(block);
      const exit = /^\s*exitcode\s*:\s*(-?\d{1,9}) \(pid: (\d{1,9})\)(?:[ \t]{0,4}\((SIG\w+)\))?/m.exec(block);
      if (rank === null || exit === null) return [];
      return [
        {
          rank: Number(rank[1]),
          localRank: Number(rank[2]),
          exitCode: Number(exit[1]),
          signal: exit[3] ?? SIGNALS.get(-Number(exit[1])) ?? null,
          pid: Number(exit[2]),
          host: /^\s*host\s*:\s*(\S{1,255})/m.exec(block)?.[1] ?? null,
          time: /^\s*time\s*:\s*(\d\S{1,63})/m.exec(block)?.[1] ?? null,
        },
      ];
    });
}

function splitRank(line: string): { readonly rank: number | null; readonly text: string } {
  const prefix = /^\[rank(\d{1,9})\]:\s?/.exec(line);
  const text = prefix === null ? line : line.slice(prefix[0].length);
  return { rank: prefix === null ? null : Number(prefix[1]), text: text.replace(/\r$/, '') };
}
