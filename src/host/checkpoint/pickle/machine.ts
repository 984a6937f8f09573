import type { ByteCursor } from './cursor.js';
import { isHashable, type PickleRules } from './rules.js';
import { classOf, isNode, type PickleGlobal, type PicklePersistent } from './values.js';

/** The values of `values.ts` while the pickle may still fill them in. */
export type OpenValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | OpenSequence
  | OpenDict
  | OpenObject
  | PickleGlobal
  | PicklePersistent;

interface OpenSequence {
  readonly kind: 'list' | 'tuple' | 'set';
  readonly items: OpenValue[];
}

interface OpenDict {
  readonly kind: 'dict';
  readonly entries: [key: OpenValue, value: OpenValue][];
}

interface OpenObject {
  readonly kind: 'object';
  readonly isCall: boolean;
  readonly callable: OpenValue;
  readonly args: OpenValue;
  items: OpenValue[];
  entries: [key: OpenValue, value: OpenValue][];
  state: OpenValue | undefined;
}

/** Items and entries of the many objects that never get any; never written to. */
const NONE: never[] = [];

/** How much a pickle may hold, so that a small hostile file cannot take all memory: a value of one byte takes a hundred. */
export interface PickleLimits {
  /** Values and marks that wait on the stack; picklers write groups of a thousand. */
  readonly stack: number;
  /** Entries of the memo, which takes every text and every object of a pickler. */
  readonly memo: number;
  /** Lists, dicts, their items and entries, objects and byte strings in all; those take memory of their own. */
  readonly nodes: number;
  /** Those, and entries of the memo, that need no object; a pickle is read no further than it looks like metadata. */
  readonly loose: number;
  /** As many more for each object: the metadata of a checkpoint is made of small objects. */
  readonly perObject: number;
  /** Different classes and functions. */
  readonly globals: number;
}

/**
 * As torch writes them, 700 tensors and their moments on 128 ranks are 38 MB with 7.6 million nodes, and 40,000 tensors
 * of 8 chunks each 55 MB with 10 million. Both have 5 nodes and 3 entries of the memo for each object, and neither has
 * more than 3000 values on the stack.
 */
export const PICKLE_LIMITS: PickleLimits = {
  stack: 1_000_000,
  memo: 20_000_000,
  nodes: 16_000_000,
  loose: 500_000,
  perObject: 8,
  globals: 10_000,
};

/** Items of a list or tuple that need no memory worth counting: sizes have a number for each dimension. */
const FEW_ITEMS = 4;

/**
 * The stack, marks and memo of a pickle. It builds inert values only: each instruction pushes at most one value, and
 * shared values are shared, not copied. Memory is bounded by the limits.
 */
export class PickleMachine {
  readonly #cursor: ByteCursor;
  readonly #stack: OpenValue[] = [];
  /** Heights of the stack at which groups start; nothing below the last one can be popped. */
  readonly #marks: number[] = [];
  /** Picklers number memo entries from 0 without gaps; a map of millions of numbers would be slower by half. */
  readonly #memo: OpenValue[] = [];
  readonly #globals = new Set<string>();

  readonly #limits: PickleLimits;
  readonly #rules: PickleRules;
  #nodes = 0;
  #objects = 0;

  constructor(cursor: ByteCursor, limits: PickleLimits, rules: PickleRules) {
    this.#cursor = cursor;
    this.#limits = limits;
    this.#rules = rules;
  }

  /** Every class and function named so far. */
  get globals(): ReadonlySet<string> {
    return this.#globals;
  }

  push(value: OpenValue): void {
    if (this.#stack.length >= this.#limits.stack) throw this.#cursor.error('more values than any real stack holds');
    this.#stack.push(value);
  }

  pushBytes(value: Uint8Array): void {
    this.#count();
    this.push(value);
  }

  pop(): OpenValue {
    const floor = this.#marks.at(-1) ?? 0;
    const value = this.#stack.length > floor ? this.#stack.pop() : undefined;
    if (value === undefined) throw this.#cursor.error('an instruction that finds the stack empty');
    return value;
  }

  top(): OpenValue {
    const floor = this.#marks.at(-1) ?? 0;
    const value = this.#stack.length > floor ? this.#stack.at(-1) : undefined;
    if (value === undefined) throw this.#cursor.error('an instruction that finds the stack empty');
    return value;
  }

  mark(): void {
    if (this.#marks.length >= this.#limits.stack) throw this.#cursor.error('more groups than any real stack holds');
    this.#marks.push(this.#stack.length);
  }

  /** Takes everything above the last mark, and the mark. */
  popMark(): OpenValue[] {
    const start = this.#marks.pop();
    if (start === undefined) throw this.#cursor.error('an instruction that finds no mark');
    return this.#stack.splice(start);
  }

  /** Takes the last values, in their order. */
  popMany(count: number): OpenValue[] {
    if (this.#stack.length - (this.#marks.at(-1) ?? 0) < count) {
      throw this.#cursor.error('an instruction that finds the stack empty');
    }
    return this.#stack.splice(-count);
  }

  /** The single value that is left when the pickle ends. */
  result(): OpenValue {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) throw this.#cursor.error('values left over at the end');
    return value;
  }

  remember(key: number): void {
    if (key > this.#memo.length) throw this.#cursor.error(`memo entry ${key} after ${this.#memo.length} others`);
    if (key >= Math.min(this.#limits.memo, this.#most())) {
      throw this.#cursor.error('more memo entries than any real pickle has');
    }
    this.#memo[key] = this.top();
  }

  rememberNext(): void {
    this.remember(this.#memo.length);
  }

  recall(key: number): void {
    const value = this.#memo[key];
    if (value === undefined) throw this.#cursor.error(`memo entry ${key} that was never written`);
    this.push(value);
  }

  pushGlobal(name: string): void {
    if (!this.#globals.has(name)) this.#assert(this.#rules.name(name));
    this.#globals.add(name);
    if (this.#globals.size > this.#limits.globals) throw this.#cursor.error('more classes than any real pickle names');
    this.#count();
    this.push({ kind: 'global', name });
  }

  pushSequence(kind: OpenSequence['kind'], items: OpenValue[]): void {
    this.#count(1 + Math.max(0, items.length - FEW_ITEMS));
    this.push({ kind, items });
  }

  pushDict(flat: readonly OpenValue[]): void {
    this.#count();
    this.push({ kind: 'dict', entries: [] });
    this.addEntries(flat);
  }

  /** An object that Python would build by a call, or as a new one of a class; here that is only written down. */
  pushObject(callable: OpenValue, args: OpenValue, isCall: boolean): void {
    this.#objects += 1;
    this.#count();
    if (!isNode(args) || args.kind !== 'tuple') throw this.#cursor.error('an object whose arguments are no tuple');
    const object: OpenObject = {
      kind: 'object',
      isCall,
      callable,
      args,
      items: NONE,
      entries: NONE,
      state: undefined,
    };
    const name = classOf(object);
    if (name !== undefined) this.#assert(this.#rules.make(object, name));
    // A call may give another function, such as a method of a class.
    else if (!isCall || !isNode(callable) || callable.kind !== 'object')
      throw this.#cursor.error('an object of something that is no class');
    this.push(object);
  }

  pushPersistent(): void {
    this.#count();
    this.push({ kind: 'persistent', id: this.pop() });
  }

  addItems(items: readonly OpenValue[]): void {
    const target = this.#node();
    if (target?.kind !== 'list' && target?.kind !== 'set' && target?.kind !== 'object') {
      throw this.#cursor.error('items for something that cannot hold any');
    }
    if (target.kind === 'object' && target.items === NONE) target.items = [];
    this.#count(items.length);
    for (const item of items) target.items.push(item);
  }

  /** Adds key, value, key, value, … to the dict on top of the stack. */
  addEntries(flat: readonly OpenValue[]): void {
    const target = this.#node();
    if (target?.kind !== 'dict' && target?.kind !== 'object') {
      throw this.#cursor.error('entries for something that is not a dict');
    }
    if (target.kind === 'object' && target.entries === NONE) target.entries = [];
    for (let index = 0; index < flat.length; index += 2) {
      const key = flat[index];
      const value = flat[index + 1];
      if (key === undefined || value === undefined) throw this.#cursor.error('a dict key without a value');
      if (!isHashable(key, this.#rules)) throw this.#cursor.error('a dict key that cannot be one');
      this.#count();
      target.entries.push([key, value]);
    }
  }

  setState(state: OpenValue): void {
    const target = this.#node();
    if (target?.kind !== 'object') throw this.#cursor.error('state for something that is not an object');
    const name = classOf(target);
    if (name !== undefined) this.#assert(this.#rules.state(name, state));
    target.state = state;
  }

  #assert(wrong: string | null): void {
    if (wrong !== null) throw this.#cursor.error(wrong);
  }

  #count(added = 1): void {
    this.#nodes += added;
    if (this.#nodes > Math.min(this.#limits.nodes, this.#most())) {
      throw this.#cursor.error('more values than any real pickle holds');
    }
  }

  /** What the objects so far may need. */
  #most(): number {
    return this.#limits.loose + this.#limits.perObject * this.#objects;
  }

  #node(): OpenNode | undefined {
    const value = this.top();
    return isNode(value) ? value : undefined;
  }
}

type OpenNode = OpenSequence | OpenDict | OpenObject | PickleGlobal | PicklePersistent;
