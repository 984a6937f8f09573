import type { Finding } from '../../schemas/incident.js';
import type { Problem } from '../../schemas/problem.js';
import { weightOf, type CauseMatch, type CauseRule } from './causes.js';
import { cutToBytes } from '../text/cut-text.js';
import { lastWords, wordsOfCrash, type LastWords } from './last-words.js';
import { tellingLine } from './telling-line.js';

/** What the logs of one rank show after it ended. */
export interface RankSigns {
  readonly rank: number;
  /** Last lines of its error log. */
  readonly errorLines: readonly string[];
  /** `module.Class: message` of the tracebacks in it, oldest first. */
  readonly exceptions: readonly string[];
  /** When its error log last grew, RFC 3339; null when it is empty. */
  readonly errorAt: string | null;
}

/** How one rank ended, as the launcher tells it. */
export interface RankEnd {
  readonly rank: number;
  /** Negative or null with a signal. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: string | null;
}

/** All signs of one host after its part of an attempt ended. */
export interface HostSigns {
  readonly host: string;
  readonly ranks: readonly RankSigns[];
  readonly ends: readonly RankEnd[];
  /** Fatal events of the log dialect. */
  readonly events: readonly {
    readonly id: string;
    readonly text: string;
    readonly rank: number | null;
    readonly at: string | null;
  }[];
  readonly stop: { readonly reason: string; readonly at: string } | null;
  /** How the launcher itself ended, and its own log; used when it named no rank. */
  readonly launcher: (Omit<RankEnd, 'rank'> & Pick<RankSigns, 'errorLines' | 'exceptions'>) | null;
  readonly unkillable: readonly number[];
}

/**
 * What the rules make of one host's signs: at most one finding per rank, the one that says most, because a rank's exit
 * status is explained by its traceback and that by a known text. Recipe rules stand first.
 */
export function findingsOf(signs: HostSigns, rules: readonly CauseRule[]): Finding[] {
  const { host } = signs;
  const hostWide = [
    ...signs.events.flatMap(({ id, text, rank, at }) =>
      found(rules, host, 'event', ({ match }) => match.kind === 'event' && match.id.test(id), {
        rank,
        at,
        text,
        lines: [text],
      }),
    ),
    ...(signs.unkillable.length === 0
      ? []
      : found(rules, host, 'unkillable', () => true, {
          rank: null,
          at: signs.stop?.at ?? null,
          text: `pids ${signs.unkillable.join(', ')}`,
          lines: [],
        })),
    ...(signs.stop === null ? [] : stopFindings(signs.stop, signs, rules)),
  ];
  const ranks = [...new Set([...signs.ranks.map(({ rank }) => rank), ...signs.ends.map(({ rank }) => rank)])];
  const byRank = ranks.flatMap((rank) => rankFinding(rank, signs, rules));
  const launcher = launcherFinding(signs, byRank, rules);
  return [...hostWide, ...byRank.map((finding) => afterStop(finding, signs.stop)), ...launcher].map(shorten);
}

/** What a problem that an activity ended with means. */
export function problemFinding(
  problem: Problem,
  host: string | null,
  at: string,
  rules: readonly CauseRule[],
): Finding | null {
  const text = `${problem.what}${problem.why === undefined ? '' : ` (${problem.why})`}`;
  const [finding] = found(
    rules,
    host ?? 'the gang',
    'problem',
    ({ match }) => match.kind === 'problem' && (match.codes?.includes(problem.code) ?? true),
    {
      rank: null,
      at,
      text,
      lines: problem.evidence ?? [],
    },
  );
  return finding === undefined ? null : shorten(finding);
}

/** The sign that a host gave by giving none. */
export function silenceFinding(host: string, why: string, at: string, rules: readonly CauseRule[]): Finding[] {
  return found(rules, host, 'unobserved', () => true, { rank: null, at, text: why, lines: [] });
}

/** What a rank did after its host was told to stop is a consequence of that. */
function afterStop(finding: Finding, stop: HostSigns['stop']): Finding {
  return isAfter(finding.at, stop, finding.weight === 1 ? WHOLE_SECOND_MS : 0)
    ? { ...finding, isCascade: true }
    : finding;
}

/** Launchers tell whole seconds. */
const WHOLE_SECOND_MS = 999;

function isAfter(at: string | null, stop: HostSigns['stop'], precisionMs: number): boolean {
  return at !== null && stop !== null && Date.parse(at) + precisionMs >= Date.parse(stop.at);
}

/** What a log said longer before the end was gone on from: launchers wait 30 s for ranks, and hosts for each other. */
const NEAR_MS = 60_000;

function rankFinding(rank: number, { host, ranks, ends, stop, launcher }: HostSigns, rules: readonly CauseRule[]) {
  const log = ranks.find((one) => one.rank === rank);
  const end = ends.find((one) => one.rank === rank);
  const { errorLines = [], exceptions = [], errorAt = null } = log ?? {};
  if (end === undefined && exceptions.length === 0) return [];
  const endedAt = end?.at ?? stop?.at ?? launcher?.at ?? null;
  const ended = { rank, code: null, signal: null, ...end, at: errorAt ?? endedAt, endedAt, errorLines, exceptions };
  // A program that fails by itself says why, however long its ending takes.
  const isOwnFailure = ended.code !== null && ended.code > 0 && ended.code < 128;
  const words = lastWords(errorLines);
  if (isOwnFailure) return wordsFinding(ended, host, rules, words);
  const isNear = errorAt === null || endedAt === null || Date.parse(endedAt) - Date.parse(errorAt) <= NEAR_MS;
  if (!isNear) return exitFindings(ended, host, rules);
  if (ended.signal !== null && !KILLS.has(ended.signal)) {
    const left = wordsOfCrash(words);
    return wordsFinding(left === words ? ended : { ...ended, exceptions: [] }, host, rules, left);
  }
  const told = wordsFinding(ended, host, rules, words);
  if (words.isUncaught) return told;
  // No log tells a kill from outside; one that lost its peers and hung is killed in the end.
  const isFirst = ends[0]?.rank === rank && !isAfter(ended.endedAt, stop, WHOLE_SECOND_MS);
  if (ended.signal === 'SIGKILL' && isFirst && told.some(({ isCascade }) => !isCascade)) {
    return exitFindings(ended, host, rules).map((finding) => ({ ...finding, isSure: true }));
  }
  return told.map((finding) => ({ ...finding, isSure: false }));
}

/** Signals by which others end a process (signal(7)); it raises the other ones itself. */
const KILLS: ReadonlySet<string> = new Set(['SIGINT', 'SIGKILL', 'SIGTERM']);

/** How the launcher itself ended, where its ranks do not tell why. */
function launcherFinding(
  { host, stop, launcher }: HostSigns,
  byRank: readonly Finding[],
  rules: readonly CauseRule[],
): Finding[] {
  if (stop !== null || launcher === null || launcher.code === 0) return [];
  const ended = { ...launcher, rank: null, endedAt: launcher.at };
  if (byRank.length === 0) return wordsFinding(ended, host, rules, lastWords(launcher.errorLines));
  // One that was killed names no rank, and its ranks lose each other while they end. An exit status follows from theirs.
  const isKilled = launcher.signal !== null && byRank.every(({ isCascade }) => isCascade);
  return isKilled ? exitFindings(ended, host, rules) : [];
}

/** What the last words of something that ended mean: a known text, else its exception, else how it ended. */
function wordsFinding(ended: Ended, host: string, rules: readonly CauseRule[], words: LastWords): Finding[] {
  const { rank, at } = ended;
  const { lines } = words;
  const known = tellingLine(words, ended, rules);
  if (known !== null) {
    const { rule, index } = known;
    const text = lines[index] ?? '';
    return [fillIn(rule, host, { rank, at, text, lines: lines.slice(Math.max(0, index - 4), index + 1) })];
  }
  const exception = words.exception ?? ended.exceptions.at(-1);
  if (exception !== undefined) {
    return found(rules, host, 'exception', ({ match }) => match.kind === 'exception' && match.pattern.test(exception), {
      rank,
      at,
      text: exception,
      lines: lines.slice(-6),
    });
  }
  return exitFindings(ended, host, rules);
}

interface Ended extends Omit<RankEnd, 'rank'>, Pick<RankSigns, 'errorLines' | 'exceptions'> {
  /** null: the launcher itself. */
  readonly rank: number | null;
  /** `at` is when it said its last words. */
  readonly endedAt: string | null;
}

function exitFindings(
  { code, signal, rank, endedAt: at, errorLines }: Ended,
  host: string,
  rules: readonly CauseRule[],
): Finding[] {
  if (code === 0 || (code === null && signal === null)) return [];
  const text = signal ?? `exit status ${code}`;
  return found(rules, host, 'exit', ({ match }) => match.kind === 'exit' && meetsEnd(match, code, signal), {
    rank,
    at,
    text,
    lines: errorLines.slice(-6),
  });
}

function meetsEnd(
  { codes, signals }: Extract<CauseMatch, { kind: 'exit' }>,
  code: number | null,
  signal: string | null,
): boolean {
  if (codes === undefined && signals === undefined) return true;
  return (
    (signal !== null && signals?.includes(signal) === true) ||
    (signal === null && code !== null && codes?.includes(code) === true)
  );
}

function stopFindings(
  { reason, at }: { readonly reason: string; readonly at: string },
  { host, ranks }: HostSigns,
  rules: readonly CauseRule[],
): Finding[] {
  return found(rules, host, 'stop', ({ match }) => match.kind === 'stop' && match.reason.test(reason), {
    rank: null,
    at,
    text: reason,
    // The ends of the stacks that were asked for before.
    lines: ranks.flatMap(({ errorLines }) => errorLines.slice(-3)),
  });
}

interface Sign {
  readonly rank: number | null;
  readonly at: string | null;
  readonly text: string;
  readonly lines: readonly string[];
}

/** The finding of the first rule of a kind that is met, or none. */
function found(
  rules: readonly CauseRule[],
  host: string,
  kind: CauseMatch['kind'],
  isMet: (rule: CauseRule) => boolean,
  sign: Sign,
): Finding[] {
  const rule = rules.find((one) => one.match.kind === kind && isMet(one));
  return rule === undefined ? [] : [fillIn(rule, host, sign)];
}

function fillIn(rule: CauseRule, host: string, sign: Sign): Finding {
  const { id, match, cause, isCascade, reaction, sentence, onceStepped } = rule;
  const filled = sentence
    .replace('{host}', host)
    .replace('rank {rank}', sign.rank === null ? 'the launcher' : `rank ${sign.rank}`)
    .replace('{text}', () => sign.text.trim());
  return {
    rule: id,
    cause,
    isCascade,
    reaction,
    ...(onceStepped === undefined ? {} : { onceStepped }),
    weight: weightOf(match.kind),
    rank: sign.rank,
    at: sign.at,
    sentence: filled,
    lines: [...sign.lines],
  };
}

/** Sixteen ranks of evidence have to fit into 4 kB; the whole logs stay on the host. */
function shorten(finding: Finding): Finding {
  return {
    ...finding,
    sentence: cutToBytes(finding.sentence, 300),
    lines: finding.lines.slice(-6).map((line) => cutToBytes(line, 200)),
  };
}
