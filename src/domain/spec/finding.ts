import type { SpecProblem } from '../../schemas/spec-problem.js';

/** Keys and list indexes from the top of the spec to a field. */
export type FieldPath = readonly (string | number)[];

/** Where a finding is: a field (its value, or its key), or an offset in the text. */
export type Place = { readonly path: FieldPath; readonly at?: 'key' | 'value' } | { readonly offset: number; readonly path?: FieldPath };

/** A problem before its place was turned into line and column. */
export interface Finding {
  readonly id: string;
  /** `error` unless given. */
  readonly severity?: SpecProblem['severity'];
  readonly place: Place;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** A field path as people write it: `data.0.maxSamples`. */
export function showPath(path: FieldPath): string {
  return path.join('.');
}

/** A value for messages: as JSON, cut to 60 characters so that a line stays a line. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** One line per problem: `file:line:col path: what, why, fix`. */
export function formatSpecProblem({ severity, file, line, col, path, what, why, fix }: SpecProblem): string {
  const field = path === '' ? '' : ` ${path}`;
  const level = severity === 'warning' ? ' warning:' : '';
  return `${file}:${line}:${col}${field}:${level} ${what}, ${why}, ${fix}`;
}
