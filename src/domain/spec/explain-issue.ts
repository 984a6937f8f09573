import type { z } from 'zod';
import { describeExpected, fieldAt, knownKeys, placesOfKey, valueAt } from './field.js';
import { showPath, showPlain, showValue } from './finding.js';
import type { FieldPath, Finding } from './finding.js';
import type { SchemaNode } from './json-schema.js';
import { suggest } from './suggest.js';

type Issue = z.core.$ZodIssue;
/** A file with more unknown keys in one section is no spec; telling all of them would take minutes and help nobody. */
const MAX_UNKNOWN_KEYS = 25;
/** Raw value of the file, its schema, and how a scalar was written. */
interface Context {
  readonly value: unknown;
  readonly root: SchemaNode;
  written(path: FieldPath): string | null;
}

/**
 * Turns what the schema found into findings that say what, why and fix. One per field: of several issues the first
 * is the cause; and a missing key that was only misspelled is told at the misspelling.
 */
export function explainIssues(issues: readonly Issue[], context: Context): Finding[] {
  const unknown = issues.flatMap((issue) => {
    const section = pathOf(issue);
    return issue.code === 'unrecognized_keys'
      ? issue.keys.slice(0, MAX_UNKNOWN_KEYS).map((key) => ({ section, key, near: nearKey(section, key, context) }))
      : [];
  });
  // That a field is missing is told by the key that was meant for it; what is wrong with one that is there is not.
  const meant = unknown.flatMap(({ section, near }) => (near === null ? [] : [[...section, near]]));
  const told = new Set(meant.filter((path) => valueAt(context.value, path) === undefined).map(showPath));
  const others = issues.flatMap((issue): Finding[] => {
    const path = showPath(pathOf(issue));
    if (issue.code === 'unrecognized_keys' || told.has(path)) return [];
    told.add(path);
    return [explain(issue, context)];
  });
  return [...unknown.map(({ section, key, near }) => unknownKey(section, key, near, context)), ...others];
}

function explain(issue: Issue, context: Context): Finding {
  const path = pathOf(issue);
  if (issue.code === 'invalid_key') return invalidKey(path, context);
  const node = fieldAt(path, context.value, context.root);
  const value = valueAt(context.value, path);
  return value === undefined ? missing(issue, path, node) : wrongValue(issue, path, value, node, context);
}

function pathOf(issue: Issue): FieldPath {
  return issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
}

function nearKey(section: FieldPath, key: string, { value, root }: Context): string | null {
  return suggest(key, knownKeys(fieldAt(section, value, root)));
}

function unknownKey(section: FieldPath, key: string, near: string | null, { value, root }: Context): Finding {
  const known = knownKeys(fieldAt(section, value, root));
  return {
    id: 'schema/unknown-key',
    place: { path: [...section, key], at: 'key' },
    what: `unknown key ${showValue(key)}`,
    why: 'a key that nobody reads would silently change nothing',
    fix: near !== null ? `did you mean ${near}?` : (belongs(section, key, root) ?? `known keys: ${known.join(', ')}`),
  };
}

function belongs(section: FieldPath, key: string, root: SchemaNode): string | null {
  const [place] = placesOfKey(key, root);
  const here = showPath(section.map((part) => (typeof part === 'number' ? '*' : part)));
  if (place === undefined) return null;
  return place === here ? 'it belongs to another format of data set' : `it belongs under ${place}`;
}

function invalidKey(path: FieldPath, { value, root }: Context): Finding {
  const names = fieldAt(path.slice(0, -1), value, root)?.propertyNames;
  return {
    id: 'schema/key-name',
    place: { path, at: 'key' },
    what: `${showValue(path.at(-1))} is no valid name here`,
    why: names?.patternErrorMessage ?? 'names here follow a pattern',
    fix: 'rename it',
  };
}

function missing(issue: Issue, path: FieldPath, node: SchemaNode | null): Finding {
  const key = String(path.at(-1));
  const found = { id: 'schema/missing', place: { path }, what: `${key} is missing` };
  // Without it nobody knows which of the variants was meant.
  const kinds = kindsOf(issue);
  if (kinds !== null) return { ...found, why: KIND_MEANING, fix: `add ${key}: one of ${kinds.join(', ')}` };
  return {
    ...found,
    why: meaning(node),
    fix: node === null ? `add ${key}` : `add ${key}: ${describeExpected(node)}`,
  };
}

function wrongValue(issue: Issue, path: FieldPath, value: unknown, node: SchemaNode | null, context: Context): Finding {
  const place = { path };
  const why = meaning(node?.description === undefined ? fieldAt(path.slice(0, -1), context.value, context.root) : node);
  const plain = node === null ? 'remove it' : `write ${describeExpected(node)}`;
  if (value === null) return { id: 'schema/empty', place, what: 'nothing stands after the colon', why, fix: plain };
  const shown = showValue(value);
  switch (issue.code) {
    case 'too_small':
    case 'too_big': {
      const isLow = issue.code === 'too_small';
      const id = isLow ? 'schema/too-small' : 'schema/too-large';
      if (typeof value === 'string') {
        const limit = isLow ? `at least ${Number(issue.minimum)}` : `at most ${Number(issue.maximum)}`;
        return { id, place, what: `the text has ${value.length} characters`, why, fix: `write ${limit} characters` };
      }
      if (Array.isArray(value)) return { id, place, what: `the list has ${value.length} entries`, why, fix: plain };
      return { id, place, what: `${shown} is too ${isLow ? 'small' : 'large'}`, why, fix: plain };
    }
    case 'invalid_format':
      return {
        id: 'schema/pattern',
        place,
        what: `${shown} does not fit`,
        why: issue.message,
        fix: exampleFix(node) ?? plain,
      };
    // A rule of the schema in words: its message says what is wanted.
    case 'custom':
      return { id: 'schema/rule', place, what: `${shown} does not fit`, why, fix: issue.message };
    case 'invalid_value': {
      const options = issue.values.map(String);
      return {
        id: 'schema/choice',
        place,
        what: `${shown} is none of the choices`,
        why,
        fix: choiceFix(value, options),
      };
    }
    case 'invalid_union': {
      const kinds = kindsOf(issue);
      return kinds !== null
        ? {
            id: 'schema/choice',
            place,
            what: `${shown} is none of the choices`,
            why: KIND_MEANING,
            fix: choiceFix(value, kinds),
          }
        : { id: 'schema/type', place, what: `${kindOf(value)} stands here`, why, fix: plain };
    }
    default:
      return {
        id: 'schema/type',
        place,
        what: typeText(path, value, shown, context),
        why,
        fix: typeFix(value, node, plain, context.written(path)),
      };
  }
}

const KIND_MEANING = 'it decides which other keys stand in this section';

/** The choices of the field that decides between variants of a section; null for other issues. */
function kindsOf(issue: Issue): readonly string[] | null {
  return issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)
    ? issue.options.map(String)
    : null;
}

function exampleFix(node: SchemaNode | null): string | null {
  const example = node?.examples?.[0];
  return example === undefined ? null : `write it like ${showPlain(example)}`;
}

function choiceFix(value: unknown, options: readonly string[]): string {
  const near = typeof value === 'string' ? suggest(value, options) : null;
  if (near !== null) return `did you mean ${near}?`;
  return options.length === 1 ? `write ${options.join()}` : `write one of ${options.join(', ')}`;
}

function typeText(path: FieldPath, value: unknown, shown: string, { written }: Context): string {
  const text = typeof value === 'number' ? (written(path) ?? shown) : shown;
  return typeof value === 'object' ? `${kindOf(value)} stands here` : `${text} is ${kindOf(value)}`;
}

function typeFix(value: unknown, node: SchemaNode | null, plain: string, written: string | null): string {
  if (node?.type === 'string' && typeof value === 'number' && new RegExp(node.pattern ?? '').test(written ?? '')) {
    return `put it in quotes: "${written ?? ''}"`;
  }
  const isYesNo = typeof value === 'string' && /^(on|yes|y)$/i.test(value);
  const isNo = typeof value === 'string' && /^(off|no|n)$/i.test(value);
  if (node?.type === 'boolean' && (isYesNo || isNo))
    return `write ${String(isYesNo)} (YAML 1.2 knows only true and false)`;
  if (
    (node?.type === 'integer' || node?.type === 'number') &&
    typeof value === 'string' &&
    /^-?[\d_,']+$/.test(value)
  ) {
    return `write it without quotes and separators: ${value.replaceAll(/[_,']/g, '')}`;
  }
  return plain;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
      if (!Number.isFinite(value)) return 'no finite number';
      return Number.isInteger(value) ? 'a whole number' : 'a fraction';
    case 'boolean':
      return 'true or false';
    default:
      return 'a section';
  }
}

function meaning(node: SchemaNode | null): string {
  return node?.description === undefined
    ? 'the schema asks for it'
    : `it means: ${node.description.replace(/\.$/, '')}`;
}
