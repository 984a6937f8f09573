import { expect, test } from 'vitest';
import { SaveWatch } from '../../../src/host/ledger/save-watch.js';
import type { Proofs } from '../../../src/host/ledger/prove.js';

/** A watch whose proofs the test ends one by one. */
function watched() {
  const asked: number[] = [];
  const ends: ((outcome: Proofs | Error) => void)[] = [];
  const watch = new SaveWatch((upTo) => {
    asked.push(upTo);
    return new Promise((resolve, reject) => {
      ends.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  });
  return { watch, asked, end: (outcome: Proofs | Error) => ends.shift()?.(outcome) };
}

test('proves one after the other, and only the newest of what was noted meanwhile', async () => {
  const { watch, asked, end } = watched();
  watch.note(null);
  expect(asked).toEqual([]);
  for (const saved of [10, 10, 20, 30]) watch.note(saved);
  expect(asked).toEqual([10]);
  expect(watch.proofs).toEqual({ newest: null, refused: [] });
  end({ newest: 10, refused: [] });
  await expect.poll(() => asked).toEqual([10, 30]);
  expect(watch.proofs.newest).toBe(10);
  end({ newest: 20, refused: ['iter_0000030: torn'] });
  await watch.settle();
  expect(watch.proofs).toEqual({ newest: 20, refused: ['iter_0000030: torn'] });
  watch.note(30);
  expect(asked).toEqual([10, 30]);
});

test('tells why a look failed, and tries again at the next note', async () => {
  const { watch, asked, end } = watched();
  watch.note(10);
  end(new Error('the workspace is gone'));
  await watch.settle();
  expect(watch.error).toEqual(new Error('the workspace is gone'));
  watch.note(10);
  expect(asked).toEqual([10, 10]);
  end({ newest: 10, refused: [] });
  await watch.settle();
  expect({ error: watch.error, newest: watch.proofs.newest }).toEqual({ error: null, newest: 10 });
});
