import type { CauseRule } from './causes.js';
import { isWarning, type LastWords } from './last-words.js';

/** How something ended that left a log. */
interface End {
  readonly code: number | null;
  readonly signal: string | null;
}

interface Known {
  readonly rule: CauseRule;
  readonly index: number;
}

/** The line of a log that says why, and the rule that knows it. */
export function tellingLine(words: LastWords, ended: End, rules: readonly CauseRule[]): Known | null {
  const { lines, from } = words;
  const known = lines.flatMap((line, index) => {
    const rule = rules.find(
      ({ match }) => match.kind === 'text' && match.pattern.test(line) && (index >= from || match.isAnywhere !== false),
    );
    return rule === undefined ? [] : [{ rule, index }];
  });
  // A cause that it named itself outweighs the peers that it lost after it.
  const causes = known.filter(({ rule, index }) => !rule.isCascade && !isWarning(lines[index] ?? ''));
  const [first] = causes.toSorted((a, b) => placeOf(a.rule) - placeOf(b.rule));
  const echoes = known.filter(({ rule }) => rule.isCascade);
  return first ?? (isConsequence(words, ended, echoes) ? (echoes.at(-1) ?? null) : null);
}

/** What Python and torch raise of connections; their texts are too many to know all. */
const OF_CONNECTIONS = /^[\w.]*\b(Dist\w*Error|Connection\w*Error|BrokenPipeError|TimeoutError|EOFError)\b/;

/**
 * Whether what a rank said of its peers is why it ended. Connections are tried again at the start, and break at the end
 * of whatever failed, so it counts only as what the process itself said last; signals leave no last word at all, except
 * the errors of the watchdogs that raise them.
 */
function isConsequence(
  { lines, exception, own: [from, to] }: LastWords,
  ended: End,
  echoes: readonly Known[],
): boolean {
  if (exception !== null && OF_CONNECTIONS.test(exception)) return true;
  const isSignal = ended.signal !== null || (ended.code ?? 0) > 128;
  return echoes.some(
    ({ index }) => index >= from && index < to && !(isSignal && exception === null && isWarning(lines[index] ?? '')),
  );
}

function placeOf({ order }: CauseRule): number {
  return order === 'first' ? 0 : order === 'last' ? 2 : 1;
}
