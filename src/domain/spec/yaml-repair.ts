import { isScalar, visit } from 'yaml';
import type { Document, Node } from 'yaml';

/** Whether a key is one that a section of a spec can have. */
export function isFieldKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'string' && key.value !== '__proto__' && key.value !== '<<';
}

/**
 * Takes out of a document what was told to be wrong, so that the rest can be judged in the same go: keys that are no
 * names go with what stands under them, and an alias of one value becomes the value.
 */
export function repair(document: Document.Parsed): void {
  visit(document, {
    Pair: (_key, { key }) => (isFieldKey(key) ? undefined : visit.REMOVE),
    Alias: (_key, alias) => {
      const target: Node | undefined = alias.resolve(document);
      return isScalar(target) ? (target.clone() as typeof target) : undefined;
    },
  });
}

/** Whether an alias repeats more than one value; nobody should have to guess what the rest of such a spec means. */
export function hasAliasOfSection(document: Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Alias: (_key, alias) => {
      if (isScalar(alias.resolve(document))) return undefined;
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}
