import { posix } from 'node:path';
import { isRemote } from '../remote-source.js';
import { entryOf, valueAt } from './field.js';
import type { FieldPath } from './finding.js';

/** A path that stands in a spec: its field, what stands before it (`path:`), and the path itself. */
export interface SpecPath {
  readonly field: FieldPath;
  readonly prefix: string;
  readonly path: string;
  /** Paths on the hosts' own disks have no relation to the place of the spec file. */
  readonly isHostPath: boolean;
}

const SPEC_FIELDS: readonly FieldPath[] = [['workspace'], ['weights', 'original'], ['train', 'fromCheckpoint']];
const HOST_FIELDS: readonly FieldPath[] = [
  ['scratch'],
  ...['python', 'cannEnv', 'folder', 'basePython', 'toolkitRoot'].map((key) => ['environment', key]),
];
const DATA_FIELDS: readonly FieldPath[] = [['annotations'], ['images', 'path'], ['images', 'zip']];
/** Last keys of fields that also take what is fetched from elsewhere. */
const FETCHED_FIELDS: ReadonlySet<string | number | undefined> = new Set(['annotations', 'zip']);
const SOURCE_PREFIX = /^(?:path|dcp):/;

/** All paths of a spec, valid or not: what is no text is left to the schema. */
export function specPaths(value: unknown): SpecPath[] {
  return pathFields(value).filter(({ prefix, path }) => !isRemote(prefix + path) && !isRemote(path));
}

/** Something remote that stands where only a path of the hosts is read; what can be fetched is judged elsewhere. */
export function misplacedRemotes(value: unknown): SpecPath[] {
  return pathFields(value).filter(({ field, path }) => isRemote(path) && !FETCHED_FIELDS.has(field.at(-1)));
}

/** Every field that holds a path, and what stands there: a path, or something remote. */
function pathFields(value: unknown): SpecPath[] {
  const found: SpecPath[] = [];
  const add = (field: FieldPath, prefix: string, isHostPath: boolean): void => {
    const text = valueAt(value, field);
    if (typeof text === 'string' && text.length > prefix.length)
      found.push({ field, prefix, path: text.slice(prefix.length), isHostPath });
  };
  for (const field of SPEC_FIELDS) add(field, '', false);
  for (const field of HOST_FIELDS) add(field, '', true);
  const checkouts = valueAt(value, ['environment', 'checkouts']);
  const names = typeof checkouts === 'object' && checkouts !== null ? Object.keys(checkouts) : [];
  for (const name of names) add(['environment', 'checkouts', name], '', true);
  const source = valueAt(value, ['weights', 'source']);
  const prefix = typeof source === 'string' ? SOURCE_PREFIX.exec(source)?.[0] : undefined;
  if (prefix !== undefined) add(['weights', 'source'], prefix, false);
  const data = entryOf(value, 'data');
  for (const index of Array.isArray(data) ? data.keys() : []) {
    for (const field of DATA_FIELDS) add(['data', index, ...field], '', false);
  }
  return found;
}

/** Whether only a shell knows what a path begins with: `~`, `~user`, `$NAME` or `${NAME}`. */
export function isShellPath(path: string): boolean {
  return path === '~' || /^~[^/]*\//.test(path) || /^\$(\w+|\{\w+\})(\/|$)/.test(path);
}

/** The same value with its paths made absolute from `baseDir`; the given one stays as it is. */
export function withAbsolutePaths<Value>(value: Value, baseDir: string): Value {
  const copy = structuredClone(value);
  for (const { field, text } of absolutePaths(value, baseDir)) {
    const section = valueAt(copy, field.slice(0, -1));
    const key = field.at(-1);
    if (typeof section === 'object' && section !== null && key !== undefined) Object.assign(section, { [key]: text });
  }
  return copy;
}

/** The fields that hold paths and what they hold when made absolute from `baseDir`. */
export function absolutePaths(value: unknown, baseDir: string): { readonly field: FieldPath; readonly text: string }[] {
  return specPaths(value)
    .filter(({ path, isHostPath }) => !isHostPath && !isShellPath(path))
    .map(({ field, prefix, path }) => ({ field, text: prefix + posix.resolve(baseDir, path) }));
}
