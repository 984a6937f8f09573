import type { Problem } from '../../schemas/problem.js';
import type { SpecProblem } from '../../schemas/spec-problem.js';
import { looksSecret } from '../../domain/text/hide-secrets.js';
import { toProblem } from '../../domain/spec/read-spec.js';
import type { Paint } from '../output.js';
import { plain } from './plain.js';

/** Rules whose place must not be quoted: the line holds what looks like a secret. */
const UNQUOTED: ReadonlySet<string> = new Set(['train/env-secret']);
/** Lines are quoted up to this column; what is behind it is data. */
const QUOTE_COLUMNS = 100;

/** An error as people read it: what, where with the lines of the file, why, fix, evidence. */
export function problemFrame(problem: Problem, excerpt: readonly string[], paint: Paint): string {
  const { code, what, where, why, fix, evidence = [] } = problem;
  // A pause is what a person wanted.
  const kind = code === 'Paused' ? paint('yellow', 'paused:') : paint('red', `error[${code}]:`);
  return [
    `${kind} ${paint('bold', what)}`,
    ...(where === undefined ? [] : [`  at ${where}`]),
    ...excerpt.map((line) => `  ${paint('dim', line)}`),
    ...(why === undefined ? [] : [`  why: ${why}`]),
    ...evidence.map((line) => `  | ${plain(line)}`),
    `  fix: ${fix}`,
  ].join('\n');
}

/** What a spec accepts, in one line at most: whoever wrote the ids there has read the rest. */
export function acceptedLines(ids: readonly string[], paint: Paint): string[] {
  return ids.length === 0 ? [] : [`${paint('yellow', 'accepted:')} ${ids.join(', ')}`];
}

/** A problem of a spec with the line it stands in and a mark under the column. */
export function specProblemFrame(problem: SpecProblem, text: string, paint: Paint): string {
  const frame = problemFrame(toProblem(problem), excerpt(problem, text), paint);
  return problem.severity === 'warning' ? frame.replace('error[', 'warning[') : frame;
}

/** Two lines: the quoted line with its number, and the mark. */
export function excerpt({ id, line, col }: Pick<SpecProblem, 'id' | 'line' | 'col'>, text: string): string[] {
  const quoted = text.split(/\r?\n/, line)[line - 1];
  if (quoted === undefined || UNQUOTED.has(id) || looksSecret(quoted) || col > QUOTE_COLUMNS) return [];
  const gutter = String(line);
  // Control characters could move the cursor of the terminal.
  const clean = plain(quoted.slice(0, QUOTE_COLUMNS));
  return [`${gutter} | ${clean}`, `${' '.repeat(gutter.length)} | ${' '.repeat(col - 1)}^`];
}
