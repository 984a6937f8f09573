import type { ByteCursor } from './cursor.js';
import type { PickleGlobal, PicklePersistent } from './values.js';

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
  readonly callable: OpenValue;
  readonly args: OpenValue;
  items: OpenValue[];
  entries: [key: OpenValue, value: OpenValue][];
  state: OpenValue | undefined;
}

/** Items and entries of the many objects that never get any; never written to. */
const NONE: never[] = [];

/**
 * The stack, marks and memo of a pickle. It builds inert values only. Memory is bounded by the length of the input:
 * each instruction pushes at most one value, and shared values are shared, not copied.
 */
export class PickleMachine {
  readonly #cursor: ByteCursor;
  readonly #stack: OpenValue[] = [];
  /** Heights of the stack at which groups start; nothing below the last one can be popped. */
  readonly #marks: number[] = [];
  /** Picklers number memo entries from 0 without gaps; a map of millions of numbers would be slower by half. */
  readonly #memo: OpenValue[] = [];
  readonly #globals = new Set<string>();

  constructor(cursor: ByteCursor) {
    this.#cursor = cursor;
  }

  /** Every class and function named so far. */
  get globals(): ReadonlySet<string> {
    return this.#globals;
  }

  push(value: OpenValue): void {
    this.#stack.push(value);
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
    this.#globals.add(name);
    this.push({ kind: 'global', name });
  }

  pushSequence(kind: OpenSequence['kind'], items: OpenValue[]): void {
    this.push({ kind, items });
  }

  pushDict(flat: readonly OpenValue[]): void {
    this.push({ kind: 'dict', entries: [] });
    this.addEntries(flat);
  }

  /** An object that Python would build by a call; here the call is only written down. */
  pushObject(callable: OpenValue, args: OpenValue): void {
    this.push({ kind: 'object', callable, args, items: NONE, entries: NONE, state: undefined });
  }

  addItems(items: readonly OpenValue[]): void {
    const target = this.#node();
    if (target?.kind !== 'list' && target?.kind !== 'set' && target?.kind !== 'object') {
      throw this.#cursor.error('items for something that cannot hold any');
    }
    if (target.kind === 'object' && target.items === NONE) target.items = [];
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
      target.entries.push([key, value]);
    }
  }

  setState(state: OpenValue): void {
    const target = this.#node();
    if (target?.kind !== 'object') throw this.#cursor.error('state for something that is not an object');
    target.state = state;
  }

  #node(): OpenSequence | OpenDict | OpenObject | PickleGlobal | PicklePersistent | undefined {
    const value = this.top();
    return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) ? value : undefined;
  }
}
