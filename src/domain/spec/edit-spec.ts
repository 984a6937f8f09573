import { isCollection, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { SpecSet } from '../../schemas/run.js';
import type { SpecProblem } from '../../schemas/spec-problem.js';
import { fieldAt, knownKeys } from './field.js';
import { SET_FILE, showPath, showValue } from './finding.js';
import type { FieldPath } from './finding.js';
import { absolutePaths } from './paths.js';
import { suggest } from './suggest.js';
import { checkText } from './text-checks.js';
import { parseYaml } from './yaml-source.js';

/** Long lines stay as their author wrote them. */
const KEEP_LINES = { lineWidth: 0 } as const;

/** An edited spec, or the problems for which nothing was changed. */
export interface EditedSpec {
  readonly text: string;
  readonly problems: readonly SpecProblem[];
}

/**
 * Applies `--set path=value` to the text of a spec; comments and order stay. Values are YAML scalars or flow
 * lists and sections. The caller reads the result with `readSpec`, which judges the values.
 */
export function applySets(text: string, sets: readonly SpecSet[]): EditedSpec {
  const document = sets.length === 0 ? null : editable(text);
  if (document === null) return { text, problems: [] };
  const problems = sets.flatMap((set) => applySet(document, set));
  return problems.length > 0 ? { text, problems } : { text: document.toString(KEEP_LINES), problems };
}

/** The text of a spec with its paths made absolute, so that it means the same on every machine. */
export function absoluteSpecText(text: string, baseDir: string): string {
  const document = editable(text);
  if (document === null) return text;
  const value: unknown = document.toJS();
  const changes = absolutePaths(value, baseDir).filter(({ field, text: path }) => document.getIn(field) !== path);
  for (const { field, text: path } of changes) document.setIn(field, path);
  return changes.length === 0 ? text : document.toString(KEEP_LINES);
}

/** A correction whose value, where it is a path, is made absolute: the host that applies it stands elsewhere. */
export function absoluteSet(set: SpecSet, baseDir: string): SpecSet {
  const path = parsePath(set.path);
  // Longer lists than a spec may have are not paths of a spec.
  if (path.some((part) => typeof part === 'number' && part > 1_000) || checkText(set.value) !== null) return set;
  const node = parseDocument(set.value).contents;
  const alone = path.reduceRight<unknown>(wrap, isScalar(node) ? node.value : undefined);
  const change = absolutePaths(alone, baseDir).find(({ field }) => showPath(field) === set.path);
  return change === undefined ? set : { path: set.path, value: JSON.stringify(change.text) };
}

function wrap(inner: unknown, part: string | number): unknown {
  return typeof part === 'number' ? [...Array.from({ length: part }), inner] : { [part]: inner };
}

/** A text that cannot be read is told by readSpec, with places; here it stays as it is. */
function editable(text: string): Document | null {
  if (checkText(text) !== null) return null;
  const { document, findings } = parseYaml(text);
  return findings.length > 0 ? null : document;
}

function applySet(document: Document, { path: dotted, value: valueText }: SpecSet): SpecProblem[] {
  const path = parsePath(dotted);
  const wrongPath = checkPath(document, path);
  if (wrongPath !== null) return [setProblem(dotted, wrongPath.what, wrongPath.why, wrongPath.fix)];
  if (checkText(valueText) !== null) return [badValue(dotted, valueText)];
  const value = parseDocument(valueText);
  const node = value.contents;
  const isBlock = isCollection(node) && node.flow !== true;
  if (value.errors.length > 0 || node === null || isBlock) return [badValue(dotted, valueText)];
  const old = document.getIn(path, true);
  // Editing the scalar in place keeps the comment behind it.
  if (isScalar(old) && isScalar(node)) Object.assign(old, { value: node.value, source: node.source, type: node.type });
  else document.setIn(path, node);
  return [];
}

/** `data.0.name` to keys and indexes; a number may also be a key, which the section decides. */
function parsePath(dotted: string): FieldPath {
  return dotted.split('.').map((part) => (/^\d{1,6}$/.test(part) ? Number(part) : part));
}

function checkPath(
  document: Document,
  path: FieldPath,
): { readonly what: string; readonly why: string; readonly fix: string } | null {
  let node: unknown = document.contents;
  for (const [index, part] of path.entries()) {
    const here = showPath(path.slice(0, index));
    if (isSeq(node) && (typeof part !== 'number' || part >= node.items.length)) {
      return {
        what: `${here} has no entry ${part}`,
        why: `it is a list of ${node.items.length} entries, counted from 0`,
        fix: `use ${here}.0 to ${here}.${node.items.length - 1}`,
      };
    }
    if (isScalar(node) && node.value !== null)
      return {
        what: `${here} has no field ${part}`,
        why: `it is the value ${showValue(node.value)}`,
        fix: `set ${here} itself`,
      };
    const value: unknown = document.toJS();
    if (fieldAt(path.slice(0, index + 1), value) === null)
      return unknownField(part, knownKeys(fieldAt(path.slice(0, index), value)));
    node = isCollection(node) ? node.get(part, true) : undefined;
  }
  return null;
}

function unknownField(
  part: string | number,
  known: readonly string[],
): { readonly what: string; readonly why: string; readonly fix: string } {
  const near = suggest(String(part), known);
  return {
    what: `there is no field ${showValue(part)}`,
    why: 'a key that nobody reads would silently change nothing',
    fix: near === null ? `known keys: ${known.join(', ')}` : `did you mean ${near}?`,
  };
}

function badValue(path: string, text: string): SpecProblem {
  const what = `${showValue(text)} is no single YAML value`;
  return setProblem(
    path,
    what,
    'the value takes the place of the old one',
    'write a number, a text, true, false, [a, b] or {a: 1}; quote special characters',
  );
}

function setProblem(path: string, what: string, why: string, fix: string): SpecProblem {
  return { id: 'set/invalid', severity: 'error', file: SET_FILE, line: 1, col: 1, path, what, why, fix };
}
