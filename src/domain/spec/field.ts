import { specJsonSchema } from './json-schema.js';
import { showPlain } from './finding.js';
import type { SchemaNode } from './json-schema.js';
import type { FieldPath } from './finding.js';

/**
 * The schema of the field at `path`; `value` is the whole file, because `format` decides the keys of a data set.
 * @param root schema of the file; that of a spec, if none is given
 */
export function fieldAt(path: FieldPath, value: unknown, root: SchemaNode = specJsonSchema()): SchemaNode | null {
  let node: SchemaNode | null = root;
  let here = value;
  for (const part of path) {
    node = childOf(chosen(node, here), part);
    if (node === null) return null;
    here = entryOf(here, part);
  }
  return chosen(node, here);
}

/** Keys that the section may have, in the order of the schema. */
export function knownKeys(node: SchemaNode | null): string[] {
  const own = Object.keys(node?.properties ?? {});
  const ofVariants = (node?.oneOf ?? []).flatMap((variant) => Object.keys(variant.properties ?? {}));
  return [...new Set([...own, ...ofVariants])];
}

/** What may stand in a field, in words: "a whole number from 1 to 64". */
export function describeExpected(node: SchemaNode): string {
  if (node.const !== undefined) return showPlain(node.const);
  if (node.enum !== undefined) return `one of ${node.enum.map(showPlain).join(', ')}`;
  const variants = node.anyOf ?? node.oneOf;
  if (variants !== undefined && node.type === undefined && node.anyOf !== undefined)
    return variants.map(describeExpected).join(' or ');
  const example = node.examples?.[0];
  const such = typeof example === 'string' ? ` such as ${example}` : '';
  switch (node.type) {
    case 'integer':
      return `a whole number${range(node)}`;
    case 'number':
      return `a number${range(node)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return `text${such}${node.patternErrorMessage === undefined ? '' : ` (${node.patternErrorMessage})`}`;
    case 'array':
      return `a list${count(node)}`;
    default:
      return sectionText(node);
  }
}

/** Paths, with `*` for list items, of all fields called `key`: where a misplaced key belongs. */
export function placesOfKey(key: string, root: SchemaNode): string[] {
  const places = new Set<string>();
  collect(root, [], (path) => {
    if (path.at(-1) === key) places.add(path.slice(0, -1).join('.'));
  });
  places.delete('');
  return [...places];
}

/** Field of a section or item of a list, of anything; undefined when it is not there. */
export function entryOf(value: unknown, part: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
  return Object.getOwnPropertyDescriptor(value, part)?.value;
}

/** Value at a path of anything. */
export function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce(entryOf, value);
}

function chosen(node: SchemaNode, value: unknown): SchemaNode {
  if (node.oneOf === undefined) return node;
  const format = entryOf(value, 'format');
  return node.oneOf.find((variant) => variant.properties?.['format']?.const === format) ?? node;
}

function childOf(node: SchemaNode, part: string | number): SchemaNode | null {
  if (node.items !== undefined) return node.items;
  const properties = node.properties ?? {};
  if (Object.hasOwn(properties, part)) return properties[part] ?? null;
  for (const variant of node.oneOf ?? []) {
    const found = childOf(variant, part);
    if (found !== null) return found;
  }
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
}

function collect(node: SchemaNode, path: FieldPath, visit: (path: FieldPath) => void): void {
  visit(path);
  for (const [key, child] of Object.entries(node.properties ?? {})) collect(child, [...path, key], visit);
  for (const variant of node.oneOf ?? []) collect(variant, path, visit);
  if (node.items !== undefined) collect(node.items, [...path, '*'], visit);
}

function range({ minimum, exclusiveMinimum, maximum }: SchemaNode): string {
  const low =
    exclusiveMinimum === undefined ? (minimum === undefined ? '' : ` from ${minimum}`) : ` above ${exclusiveMinimum}`;
  return maximum === undefined ? low : `${low} up to ${maximum}`;
}

function count({ minItems, maxItems }: SchemaNode): string {
  if (minItems !== undefined && maxItems !== undefined) return ` of ${minItems} to ${maxItems} entries`;
  return maxItems === undefined ? '' : ` of at most ${maxItems} entries`;
}

function sectionText(node: SchemaNode): string {
  const keys = knownKeys(node);
  return keys.length === 0 ? 'a section of NAME: value lines' : `a section with ${keys.join(', ')}`;
}
