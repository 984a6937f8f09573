import type { SpecProblem } from '../../schemas/spec-problem.js';

/** Keys and list indexes from the top of the spec to a field. */
export type FieldPath = readonly (string | number)[];

/** Where a finding is: a field (its value, or its key), or an offset in the text. */
export type Place =
  | { readonly path: FieldPath; readonly at?: 'key' | 'value' }
  | { readonly offset: number; readonly path?: FieldPath };

/** A problem before its place was turned into line and column. */
export interface Finding {
  readonly id: string;
  /** `error` unless given. */
  readonly severity?: SpecProblem['severity'];
  /** An error that the spec accepts by its id, and that is a warning therefore. */
  readonly isAccepted?: true;
  readonly place: Place;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** Stands for the file in problems of `--set` on the command line. */
export const SET_FILE = '--set';

/** A field path as people write it: `data.0.maxSamples`. Keys are the user's text, so they are made printable. */
export function showPath(path: FieldPath): string {
  return printable(path.join('.'));
}

/** A text in which nothing moves a terminal's cursor, breaks a line or hides: such characters become their number. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  );
}

/** A value for messages: as JSON, cut to 60 characters so that a line stays a line. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** A value as it would be written in a spec: text without quotes. */
export function showPlain(value: unknown): string {
  return typeof value === 'string' ? value : showValue(value);
}

/** Ids of what a spec accepts on purpose, each once. */
export function acceptedIds(problems: readonly SpecProblem[]): string[] {
  return [...new Set(problems.flatMap(({ id, isAccepted }) => (isAccepted === true ? [id] : [])))];
}

/** One line per problem: `file:line:col path: what, why, fix`. */
export function formatSpecProblem({ severity, file, line, col, path, what, why, fix }: SpecProblem): string {
  const field = path === '' ? '' : ` ${path}`;
  const level = severity === 'warning' ? ' warning:' : '';
  return `${showPlace({ file, line, col })}${field}:${level} ${what}, ${why}, ${fix}`;
}

/** `file:line:col`; corrections on the command line have neither line nor column. */
export function showPlace({ file, line, col }: Pick<SpecProblem, 'file' | 'line' | 'col'>): string {
  return file === SET_FILE ? file : `${file}:${line}:${col}`;
}
