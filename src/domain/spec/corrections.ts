import { parseDocument } from 'yaml';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { SpecSet } from '../../schemas/run.js';
import type { Problem } from '../../schemas/problem.js';
import { problem } from '../errors.js';
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

/** Corrections as flags of a command line; null when they are none, too many to be typed, or would be refused. */
export function asFlags(sets: readonly SpecSet[] | null): string | null {
  if (sets === null || sets.length === 0 || sets.length > MOST_FLAGS || fixedFields(sets).length > 0) return null;
  return sets.map(({ path, value }) => `--set ${quote(`${path}=${value}`)}`).join(' ');
}

/** Fields that a run that is there cannot change any more, and why. */
const FIXED = new Map([
  ['name', 'a run keeps the name that it was started under, so this would change nothing'],
  ['recipe', 'what was done so far, and what there is to do, is that of its recipe'],
]);

/** What is wrong with corrections of a run because of the fields that they name. */
export function fixedFields(sets: readonly SpecSet[]): Problem[] {
  return sets.flatMap(({ path }) => {
    const why = FIXED.get(path);
    if (why === undefined) return [];
    const what = `${path} cannot be corrected in a run that is there`;
    const fix = `leave --set ${path} out; temper start FILE${path === 'name' ? ' --run NAME' : ''} starts another run`;
    return [problem('SpecInvalid', { where: `--set ${path}`, what, why, fix })];
  });
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
