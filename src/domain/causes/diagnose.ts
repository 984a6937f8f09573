import type { Finding, HostEvidence, Verdict } from '../../schemas/incident.js';

/**
 * Signs within this time count as simultaneous, and the one that says most is taken: launchers tell whole seconds, and
 * clocks of a fleet agree to about as much.
 */
const SIMULTANEOUS_MS = 1_500;

interface Sign {
  readonly finding: Finding;
  readonly evidence: HostEvidence;
  /** On the server's clock, ms; after all others when nobody knows. */
  readonly atMs: number;
}

/**
 * The first cause over all hosts: cascades are dropped, the earliest sign of the rest is the cause. When only cascades
 * are left, the earliest one is told and the cause is unknown. The order of the hosts does not matter.
 */
export function diagnose(all: readonly HostEvidence[]): Verdict {
  const signs = all.flatMap((evidence) =>
    evidence.findings.map((finding): Sign => ({ finding, evidence, atMs: timeOf(finding, evidence) })),
  );
  const open = signs.filter(({ finding }) => !finding.isCascade);
  // What a process said that others ended is doubtful once it is known who was killed from outside.
  const isKnown = open.some(({ finding }) => finding.isSure === true);
  const causes = isKnown ? open.filter(({ finding }) => finding.isSure !== false) : open;
  const first = mostTelling(causes);
  if (first !== null) return verdictOf(inTime(first, all), confidenceOf(first, causes, all), null);
  const echo = mostTelling(signs);
  if (echo !== null) return verdictOf(echo, 'low', 'unknown');
  return {
    rule: 'nothing-found',
    cause: 'unknown',
    reaction: 'restart',
    host: null,
    rank: null,
    at: null,
    sentence: 'the training ended, and no host can say why',
    evidenceLines: [...all]
      .sort((a, b) => compareText(a.host, b.host))
      .flatMap(({ host, tail }) => tail.slice(-2).map((line) => `${host}: ${line}`))
      .slice(0, MAX_LINES),
    confidence: 'low',
  };
}

/**
 * The findings of one host that can matter, at most `most`. Causes stand before cascades, a kill from outside before what
 * it outweighs, the earlier before the later;
 * first of all those that say more than all before them, because one of these is the host's part in the first cause.
 */
export function firstFindings(findings: readonly Finding[], most: number): Finding[] {
  const sorted = findings.toSorted(
    (a, b) =>
      Number(a.isCascade) - Number(b.isCascade) ||
      Number(b.isSure === true) - Number(a.isSure === true) ||
      compareTime(a.at, b.at) ||
      (a.rank ?? -1) - (b.rank ?? -1),
  );
  const isLeading = ({ isCascade, weight }: Finding, index: number): boolean =>
    sorted.slice(0, index).every((other) => other.isCascade !== isCascade || other.weight < weight);
  const leading = sorted.filter(isLeading);
  return [...leading, ...sorted.filter((finding) => !leading.includes(finding))].slice(0, most);
}

/** What nobody knows the time of comes last. */
function compareTime(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Date.parse(a) - Date.parse(b);
}

/** The meaning of a sign at its time: hosts that log no iterations do not know how far the attempt came. */
function inTime(sign: Sign, all: readonly HostEvidence[]): Sign {
  const { onceStepped } = sign.finding;
  if (onceStepped === undefined || all.every(({ lastIteration }) => lastIteration === null)) return sign;
  return { ...sign, finding: { ...sign.finding, ...onceStepped } };
}

/** Evidence of a verdict travels in failures and memos. */
const MAX_LINES = 8;

/** Among the earliest signs that are as good as simultaneous, the one that says most. */
function mostTelling(signs: readonly Sign[]): Sign | null {
  if (signs.length === 0) return null;
  const earliest = Math.min(...signs.map(({ atMs }) => atMs));
  const close = signs.filter(({ atMs }) => atMs === earliest || atMs - earliest <= SIMULTANEOUS_MS);
  return [...close].sort(bySay)[0] ?? null;
}

/** A total order, so that the answer does not depend on the order of the hosts. */
function bySay(a: Sign, b: Sign): number {
  return (
    b.finding.weight - a.finding.weight ||
    (a.atMs === b.atMs ? 0 : a.atMs - b.atMs) ||
    a.evidence.nodeRank - b.evidence.nodeRank ||
    compareText(a.evidence.host, b.evidence.host) ||
    (a.finding.rank ?? -1) - (b.finding.rank ?? -1) ||
    compareText(a.finding.rule, b.finding.rule) ||
    compareText(a.finding.sentence, b.finding.sentence)
  );
}

function timeOf({ at }: Finding, { clockOffsetMs }: HostEvidence): number {
  const time = at === null ? Number.NaN : Date.parse(at);
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time - clockOffsetMs;
}

function confidenceOf(
  { finding, evidence, atMs }: Sign,
  causes: readonly Sign[],
  all: readonly HostEvidence[],
): Verdict['confidence'] {
  // A host that cannot be asked may have failed earlier than all that can.
  const isBlind = all.some(({ isReached }) => !isReached) && evidence.isReached;
  const rivals = causes.filter(
    (other) =>
      other.evidence.host !== evidence.host &&
      other.finding.cause !== finding.cause &&
      !(other.atMs - atMs > SIMULTANEOUS_MS),
  );
  if (isBlind || !Number.isFinite(atMs) || finding.cause === 'unknown') return 'low';
  return rivals.length > 0 || (finding.weight === 1 && finding.cause === 'rank-exit') ? 'medium' : 'high';
}

function verdictOf(
  { finding, evidence, atMs }: Sign,
  confidence: Verdict['confidence'],
  cause: Verdict['cause'] | null,
): Verdict {
  return {
    rule: finding.rule,
    cause: cause ?? finding.cause,
    reaction: finding.reaction,
    host: evidence.host,
    rank: finding.rank,
    at: Number.isFinite(atMs) ? new Date(atMs).toISOString() : null,
    sentence: cause === 'unknown' ? `only consequences were found; the first: ${finding.sentence}` : finding.sentence,
    evidenceLines: finding.lines.slice(-MAX_LINES),
    confidence,
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
