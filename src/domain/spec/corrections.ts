import { parseDocument } from 'yaml';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { SpecSet } from '../../schemas/run.js';
import { canonicalJson } from '../canonical.js';
import { quote } from '../text/shell-quote.js';

/** More flags than this are a spec of its own, which nobody types. */
const MOST_FLAGS = 6;

/**
 * The corrections that turn one spec into another, as `resume --set` takes them. null: a field is gone that has no
 * default, and no correction takes a field out.
 */
export function correctionsBetween(from: PipelineSpec, to: PipelineSpec): readonly SpecSet[] | null {
  const sets: SpecSet[] = [];
  return collect([], from, to, sets) ? sets : null;
}

/** Corrections as flags of a command line; null when they are none, or too many to be typed. */
export function asFlags(sets: readonly SpecSet[] | null): string | null {
  if (sets === null || sets.length === 0 || sets.length > MOST_FLAGS) return null;
  return sets.map(({ path, value }) => `--set ${quote(`${path}=${value}`)}`).join(' ');
}

function collect(path: readonly string[], from: unknown, to: unknown, sets: SpecSet[]): boolean {
  if (canonicalJson(from ?? null) === canonicalJson(to ?? null)) return true;
  if (to === undefined || to === null) return false;
  if (isSection(from) && isSection(to) && isAlike(from, to))
    return [...new Set([...Object.keys(from), ...Object.keys(to)])].every((key) =>
      collect([...path, key], Reflect.get(from, key), Reflect.get(to, key), sets),
    );
  sets.push({ path: path.join('.'), value: asYaml(to) });
  return true;
}

/** Sections field by field; lists entry by entry when none was added or taken out. */
function isAlike(from: object, to: object): boolean {
  return Array.isArray(from) && Array.isArray(to)
    ? from.length === to.length
    : !Array.isArray(from) && !Array.isArray(to);
}

/** Text without quotes where YAML reads it back as the same text. */
function asYaml(value: unknown): string {
  if (typeof value === 'string' && parseDocument(value).toJS() === value) return value;
  return JSON.stringify(value);
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
