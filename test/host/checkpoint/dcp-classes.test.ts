import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DCP, DCP_RULES, isOneEditFrom } from '../../../src/host/checkpoint/dcp-classes.js';
import type { PickleValue } from '../../../src/host/checkpoint/pickle/values.js';

const FORMAT = 'torch.distributed.checkpoint.metadata._MEM_FORMAT_ENCODING';

describe('the state of TensorProperties', () => {
  test.each<[string, PickleValue, boolean]>([
    ['a member of the enum by its value', made(FORMAT, 0), true],
    ['one by its name, as Python 3.11.0 pickled it', made('builtins.getattr', global(FORMAT), FORMATS[1]), true],
    ['another attribute of it', made('builtins.getattr', global(FORMAT), '__class__'), false],
    ['an attribute of something else', made('builtins.getattr', global('os'), FORMATS[1]), false],
    ['an element type', global('torch.uint8'), false],
    ['a number', 0, false],
  ])('has as memory format %s', (_, format, isRight) => {
    const items = [global('torch.uint8'), null, false, format, false];
    expect(DCP_RULES.state(DCP.properties, { kind: 'tuple', items }) === null).toBe(isRight);
    expect(DCP_RULES.state(DCP.properties, { kind: 'tuple', items: items.slice(1) })).not.toBeNull();
  });
});

const FORMATS = ['TORCH_CONTIGUOUS_FORMAT', 'TORCH_CHANNELS_LAST'] as const;

function global(name: string): PickleValue {
  return { kind: 'global', name };
}

function made(name: string, ...items: PickleValue[]): PickleValue {
  const args: PickleValue = { kind: 'tuple', items };
  return { kind: 'object', isCall: true, callable: global(name), args, items: [], entries: [], state: undefined };
}

describe('one edit', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }).map((letters) => letters.join(''));

  test('changes, adds or leaves out one character', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(isOneEditFrom(one, other)).toBe(edits(one).has(other));
      }),
    );
  });

  /** All texts that differ from one by an edit. */
  function edits(one: string): ReadonlySet<string> {
    const at = (index: number, length: number, put: string): string =>
      one.slice(0, index) + put + one.slice(index + length);
    const all = Array.from({ length: one.length + 1 }, (_, index) =>
      ['a', 'b', 'c'].flatMap((letter) => [at(index, 0, letter), at(index, 1, letter)]).concat(at(index, 1, '')),
    ).flat();
    return new Set(all.filter((other) => other !== one));
  }
});
