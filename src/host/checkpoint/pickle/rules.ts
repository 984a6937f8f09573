import { classOf, isNode, type PickleObject, type PickleValue } from './values.js';

/**
 * What is known of the classes that a pickle names, so that values which Python could not build are refused where they
 * would be built. Each rule answers what is wrong, or null.
 */
export interface PickleRules {
  /** Of the dotted name of a class or function. */
  name(name: string): string | null;
  /** Of an object when it is made, before items, entries and state. */
  make(object: PickleObject, name: string): string | null;
  /** Of the state that an object gets. */
  state(name: string, state: PickleValue): string | null;
  /** Whether objects of a class may be keys of dicts. */
  canBeKey(name: string): boolean;
}

/** Of a pickle whose classes nobody knows. */
export const NO_RULES: PickleRules = { name: () => null, make: () => null, state: () => null, canBeKey: () => true };

/** Keys are texts, numbers and small tuples; a hostile one must not take long. */
const MOST_KEY_VALUES = 1_000;

/** Whether Python can hash a value, as keys of dicts must be. */
export function isHashable(key: PickleValue, rules: PickleRules): boolean {
  const open = [key];
  for (let seen = 0; seen < MOST_KEY_VALUES; seen += 1) {
    const value = open.pop();
    if (value === undefined) return true;
    if (!isNode(value)) continue;
    if (value.kind === 'list' || value.kind === 'set' || value.kind === 'dict') return false;
    if (value.kind === 'tuple') open.push(...value.items.slice(0, MOST_KEY_VALUES));
    const name = classOf(value);
    if (name !== undefined && !rules.canBeKey(name)) return false;
  }
  return false;
}
