/**
 * What a pickle holds, as inert data. Classes and functions that a pickle names are never looked up: they stay
 * names, and objects stay the recipe of how Python would have built them.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleSequence
  | PickleDict
  | PickleGlobal
  | PickleObject
  | PicklePersistent;

/** A list, tuple, set or frozen set. */
export interface PickleSequence {
  readonly kind: 'list' | 'tuple' | 'set';
  readonly items: readonly PickleValue[];
}

/** A dict in insertion order; keys may repeat in a damaged file. */
export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: readonly PickleEntry[];
}

/** Key and value of a dict. */
export type PickleEntry = readonly [key: PickleValue, value: PickleValue];

/** The name of a class or function, such as `torch.Size`. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly name: string;
}

/** An object that Python would make by calling `callable` with `args`, then filling in items, entries and state. */
export interface PickleObject {
  readonly kind: 'object';
  /** Whether it is made by a call; otherwise as a new object of a class, whose `__init__` is not called. */
  readonly isCall: boolean;
  readonly callable: PickleValue;
  readonly args: PickleValue;
  readonly items: readonly PickleValue[];
  readonly entries: readonly PickleEntry[];
  readonly state: PickleValue | undefined;
}

/** A reference to something stored beside the pickle; torch names tensor storages so. */
export interface PicklePersistent {
  readonly kind: 'persistent';
  readonly id: PickleValue;
}

/** The class name of an object, or undefined for any other value. */
export function classOf(value: PickleValue | undefined): string | undefined {
  if (!isNode(value) || value.kind !== 'object') return undefined;
  return isNode(value.callable) && value.callable.kind === 'global' ? value.callable.name : undefined;
}

/** The entries of a dict or of an object that is one (`OrderedDict`), or undefined. */
export function entriesOf(value: PickleValue | undefined): readonly PickleEntry[] | undefined {
  if (!isNode(value)) return undefined;
  return value.kind === 'dict' || value.kind === 'object' ? value.entries : undefined;
}

/** The items of a list or tuple, or undefined. */
export function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  if (!isNode(value)) return undefined;
  return value.kind === 'list' || value.kind === 'tuple' ? value.items : undefined;
}

/** The attributes of an object by name: its state dict; empty when it has none. */
export function attributesOf(value: PickleValue | undefined): ReadonlyMap<string, PickleValue> {
  const state = isNode(value) && value.kind === 'object' ? value.state : undefined;
  const attributes = new Map<string, PickleValue>();
  for (const [key, attribute] of entriesOf(state) ?? []) {
    if (typeof key === 'string') attributes.set(key, attribute);
  }
  return attributes;
}

/** True for the structured values: everything that has a `kind`. */
export function isNode<T>(value: T): value is Extract<T, { readonly kind: string }> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
