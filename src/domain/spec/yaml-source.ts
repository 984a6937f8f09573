import { LineCounter, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import { checkYaml } from './yaml-checks.js';
import { repair } from './yaml-repair.js';
import type { FieldPath, Finding, Place } from './finding.js';

/** A parsed spec: its plain value, and where each field stands. */
export interface YamlSource {
  readonly document: Document.Parsed;
  /** Plain data; undefined when the text is too broken to go on. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Line and column, both from 1, of a place; of the nearest parent when the field is not there. */
  position(place: Place): { readonly line: number; readonly col: number };
  /** A scalar as it was written, such as `1e10` for a number, or null. */
  written(path: FieldPath): string | null;
}

/** Reads YAML 1.2 that passed `checkText`. Never throws. */
export function parseYaml(text: string): YamlSource {
  const lines = new LineCounter();
  // checkYaml finds repeated keys; the parser's own search for them takes quadratic time.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    strict: true,
    uniqueKeys: false,
  });
  const { findings, isReadable } = checkYaml(document);
  const isUsable = isReadable && repair(document);
  return {
    document,
    findings,
    // No alias is left; 0 makes sure that none is ever expanded.
    value: isUsable ? document.toJS({ maxAliasCount: 0 }) : undefined,
    position(place) {
      const { line, col } = lines.linePos(
        'offset' in place ? place.offset : offsetOf(document, place.path, place.at ?? 'value'),
      );
      return { line: Math.max(1, line), col: Math.max(1, col) };
    },
    written(path) {
      const node = document.getIn(path, true);
      return isScalar(node) ? (node.source ?? null) : null;
    },
  };
}

function offsetOf(document: Document.Parsed, path: FieldPath, at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of path.entries()) {
    const entry = childOf(node, part);
    if (entry === null) return offset;
    const isLast = index === path.length - 1;
    const value = isPair(entry) ? entry.value : entry;
    const key = isPair(entry) ? startOf(entry.key) : null;
    const wantsKey = isLast && at === 'key';
    // An empty value has no place of its own; the parent section of a missing field is best named by its key.
    const isShown = isLast && !wantsKey && !isEmpty(value);
    offset = (isShown ? startOf(value) : key) ?? startOf(value) ?? offset;
    node = value;
  }
  return offset;
}

function childOf(node: unknown, part: string | number): Pair | Node | null {
  if (isMap(node))
    return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(part)) ?? null;
  if (!isSeq(node) || !/^\d+$/.test(String(part))) return null;
  const item = node.items[Number(part)];
  return isScalar(item) || isMap(item) || isSeq(item) ? item : null;
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null && (node.source ?? '') === '');
}

function startOf(node: unknown): number | null {
  return isScalar(node) || isMap(node) || isSeq(node) ? (node.range?.[0] ?? null) : null;
}
