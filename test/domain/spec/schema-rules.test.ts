import { describe, expect, it } from 'vitest';
import { Document, parse } from 'yaml';
import { fieldAt, knownKeys } from '../../../src/domain/spec/field.js';
import { specJsonSchema } from '../../../src/domain/spec/json-schema.js';
import type { SchemaNode } from '../../../src/domain/spec/json-schema.js';
import { FULL, read } from './spec-cases.js';

type Path = readonly (string | number)[];
/** One rule of the schema: a keyword of JSON Schema at a field of the full spec. */
interface SchemaRule {
  readonly path: Path;
  readonly keyword: string;
  readonly node: SchemaNode;
  /** Puts what breaks the rule of a key's name into a section; other rules take it as it is. */
  readonly wrap?: (broken: unknown) => unknown;
}

/** Keywords that describe and refuse nothing. */
const SILENT = new Set([
  '$schema',
  'title',
  'description',
  'default',
  'examples',
  'patternErrorMessage',
  'items',
  'properties',
  'oneOf',
]);

/** For each keyword a value that breaks it, made from the schema; null removes the field. */
const BREAKERS: Readonly<Record<string, (node: SchemaNode) => unknown>> = {
  type: ({ type }) => (type === 'object' || type === 'array' ? 'a text' : { a: 'section' }),
  anyOf: () => [1, 2],
  minimum: ({ minimum }) => Number(minimum) - 1,
  exclusiveMinimum: ({ exclusiveMinimum }) => Number(exclusiveMinimum),
  maximum: ({ maximum }) => Number(maximum) + 1,
  minLength: ({ minLength }) => 'x'.repeat(Number(minLength) - 1),
  maxLength: ({ maxLength }) => 'x'.repeat(Number(maxLength) + 1),
  minItems: () => [],
  maxItems: ({ maxItems }) => Array.from({ length: Number(maxItems) + 1 }, () => 'x'),
  // Some texts allow all but NUL.
  pattern: ({ pattern }) => (new RegExp(pattern ?? '').test('\u0001!') ? '\u0000' : '\u0001!'),
  enum: () => 'none of these',
  const: () => 'something else',
  additionalProperties: () => ({ 'unknown key': 1 }),
  propertyNames: () => ({ '1 wrong name': 'x' }),
};

describe('every rule of the schema', () => {
  // A revision beside a folder, and two sources of images, break a rule, but no rule of the schema.
  const full: unknown = parse(
    FULL.replace('  original:', '  revision: main\n  localCopy: true\n  original:')
      .replace('environment:\n', 'environment:\n  offline: false\n')
      .replace('      ref: main', '      ref: main\n      url: /srv/trainer.git')
      .replace('  dtype: bf16', "  dtype: bf16\n  smoke: { command: [run, '{{model}}'], timeout: 10m }")
      .replaceAll(/^( +annotations: .*)$/gm, `$1\n    annotationsSha256: ${'a'.repeat(64)}`)
      .replaceAll(
        /^( +path: .*)$/gm,
        `$1\n      zip: /z.zip\n      zipSha256: ${'a'.repeat(64)}\n      hub: hf-dataset:a/b/c`,
      ),
  );
  const rules = rulesOf([], full);

  it('can be broken by a case here', () => {
    const without = rules.filter(({ keyword }) => keyword !== 'required' && BREAKERS[keyword] === undefined);
    expect(without.map(({ path, keyword }) => `${path.join('.')}: ${keyword}`)).toEqual([]);
    expect(rules.length).toBeGreaterThan(150);
  });

  it('is reached by the full spec', () => {
    const reached = new Set(rules.map(({ path }) => generic(path)));
    expect(fields(specJsonSchema(), '').filter((field) => !reached.has(field))).toEqual([]);
  });

  it.each(rules.map((rule) => [`${rule.path.join('.')}: ${rule.keyword}`, rule] as const))('%s', (_name, rule) => {
    for (const path of rule.keyword === 'required'
      ? (rule.node.required ?? []).map((key) => [...rule.path, key])
      : [rule.path]) {
      const text = broken(path, rule);
      const problems = read(text).problems.filter(({ id }) => id.startsWith('schema/') || id === 'yaml/not-a-section');
      const field = path.join('.');
      expect(problems.length).toBeGreaterThan(0);
      // A section that is gone or of another kind may break other rules too, but the field itself is always named.
      expect(
        problems.some((problem) => problem.path === field || problem.path.startsWith(field === '' ? '' : `${field}.`)),
      ).toBe(true);
    }
  });

  it('has a sentence for the user at every field', () => {
    expect(undocumented(specJsonSchema(), '')).toEqual([]);
  });

  function rulesOf(path: Path, value: unknown): SchemaRule[] {
    const node = fieldAt(path, full);
    if (node === null) throw new Error(`the schema does not know ${path.join('.')}`);
    const keywords = Object.keys(node).filter((keyword) => !SILENT.has(keyword));
    const own = [...keywords.map((keyword) => ({ path, keyword, node })), ...innerRules(path, node, value)];
    if (typeof value !== 'object' || value === null) return own;
    const keys: Path = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    return [
      ...own,
      ...keys.flatMap((key) => rulesOf([...path, key], Object.getOwnPropertyDescriptor(value, key)?.value)),
    ];
  }

  /** Rules of what may stand here in one of several kinds, and of the names of keys: both stand in no field. */
  function innerRules(path: Path, { anyOf = [], propertyNames }: SchemaNode, value: unknown): SchemaRule[] {
    const inner = (node: SchemaNode): { readonly keyword: string; readonly node: SchemaNode }[] =>
      Object.keys(node)
        .filter((keyword) => keyword !== 'type' && !SILENT.has(keyword))
        .map((keyword) => ({ keyword, node }));
    const [member] = Object.values(typeof value === 'object' && value !== null ? value : {});
    const wrap = (key: unknown): unknown => ({ [String(key)]: member });
    return [
      ...anyOf.flatMap(inner).map((rule) => ({ path, ...rule })),
      ...(propertyNames === undefined ? [] : inner(propertyNames)).map((rule) => ({ path, ...rule, wrap })),
    ];
  }

  function broken(path: Path, { keyword, node, wrap = (value) => value }: SchemaRule): string {
    const document = new Document(structuredClone(full));
    if (keyword === 'required') document.deleteIn(path);
    else if (path.length === 0) document.contents = document.createNode(BREAKERS[keyword]?.(node)) as never;
    else document.setIn(path, document.createNode(wrap(BREAKERS[keyword]?.(node))));
    return document.toString();
  }

  /** `data.0.name` and `data.1.name` are the same field of the schema for one format, and so are fields below any name. */
  function generic(path: Path): string {
    const isOpen = (part: string | number, at: number): boolean =>
      typeof part === 'number' || !knownKeys(fieldAt(path.slice(0, at), full)).includes(part);
    return path.map((part, at) => (isOpen(part, at) ? '*' : part)).join('.');
  }
});

function fields(node: SchemaNode, at: string): string[] {
  const join = (key: string): string => (at === '' ? key : `${at}.${key}`);
  return [
    ...knownKeys(node).map(join),
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => fields(child, join(key))),
    ...(node.oneOf ?? []).flatMap((variant) => fields(variant, at)),
    ...(node.items?.oneOf === undefined ? [] : fields(node.items, join('*'))),
    ...(typeof node.additionalProperties === 'object' ? fields(node.additionalProperties, join('*')) : []),
  ];
}

function undocumented(node: SchemaNode, at: string): string[] {
  return Object.entries(node.properties ?? {})
    .flatMap(([key, child]) => [
      ...(child.description === undefined ? [`${at}${key}`] : []),
      ...undocumented(child, `${at}${key}.`),
    ])
    .concat((node.oneOf ?? []).flatMap((variant) => undocumented(variant, at)))
    .concat(node.items === undefined ? [] : undocumented(node.items, `${at}*.`))
    .concat(typeof node.additionalProperties === 'object' ? undocumented(node.additionalProperties, `${at}*.`) : []);
}
