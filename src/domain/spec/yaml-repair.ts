import { isMap, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';

const MERGE_KEY = '<<';
/** Nodes that aliases may repeat; a spec has some hundreds in all, and an alias bomb millions. */
const MAX_REPEATED = 5_000;
/** Each alias counts as this many on top: finding its anchor goes through the whole document. */
const ALIAS_COST = 20;

/** Whether a key is one that a section of a spec can have. */
export function isFieldKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'string' && key.value !== '__proto__' && key.value !== MERGE_KEY;
}

/** Whether a key takes the fields of another section. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === MERGE_KEY;
}

/**
 * Takes out of a document what was told to be wrong, so that the rest can be judged in the same go: aliases become what
 * they repeat, merge keys the fields that they take, and keys that are no names go with what stands under them.
 * @returns false when aliases repeat too much, or what they stand in: the document is then of no use
 */
export function repair(document: Document.Parsed): boolean {
  if (!writeOut(document)) return false;
  visit(document, {
    Map: (_key, map) => {
      map.items.push(...mergedPairs(map));
    },
  });
  visit(document, { Pair: (_key, { key }) => (isFieldKey(key) ? undefined : visit.REMOVE) });
  return true;
}

/** Puts what aliases repeat in their place; what stands there now is visited next, with the aliases in it. */
function writeOut(document: Document.Parsed): boolean {
  let repeated = 0;
  visit(document, {
    Alias: (_key, alias, path) => {
      const target: Node | undefined = alias.resolve(document);
      const isUseless = target === undefined || path.includes(target);
      repeated += isUseless ? MAX_REPEATED + 1 : ALIAS_COST + countNodes(target);
      if (isUseless || repeated > MAX_REPEATED) return visit.BREAK;
      const copy = target.clone() as typeof target;
      if ('anchor' in copy) delete copy.anchor;
      return copy;
    },
  });
  return repeated <= MAX_REPEATED;
}

function countNodes(root: Node): number {
  let count = 0;
  visit(root, {
    Node: () => {
      count += 1;
    },
  });
  return count;
}

/** Fields that merge keys take and the section does not have itself; of several, the first one counts. */
function mergedPairs({ items }: YAMLMap): Pair[] {
  const names = new Set(items.map(({ key }) => nameOf(key)));
  const sections = items
    .filter(({ key }) => isMergeKey(key))
    .flatMap(({ value }) => (isSeq(value) ? value.items : [value]))
    .filter((value) => isMap(value));
  return sections.flatMap((section) =>
    section.items.filter(({ key }) => {
      const isNew = !names.has(nameOf(key));
      names.add(nameOf(key));
      return isNew;
    }),
  );
}

function nameOf(key: unknown): unknown {
  return isScalar(key) ? key.value : key;
}
