import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  giveUpSurplus,
  isUsable,
  newestFirst,
  noteInUse,
  noteProven,
  noteRefused,
} from '../../../src/domain/checkpoints/ledger.js';
import type { Ledger, LedgerEntry } from '../../../src/schemas/ledger.js';
import { anEntry } from '../../host/ledger/support.js';

const AT = '2026-11-23T12:00:00.000Z';

function ledgerOf(checkpoints: LedgerEntry[], inUse: Ledger['inUse'] = null): Ledger {
  return { v: 1, revision: 1, checkpoints, inUse };
}

/** Ledgers of a few attempts of two trainings, with damaged and removed checkpoints, and perhaps one in use. */
const anyLedger = fc
  .record({
    places: fc.uniqueArray(
      fc.record({ attempt: fc.integer({ min: 1, max: 4 }), iteration: fc.integer({ min: 1, max: 12 }) }),
      {
        maxLength: 20,
        selector: ({ attempt, iteration }) => `${attempt} ${iteration}`,
      },
    ),
    fates: fc.array(fc.constantFrom('good', 'good', 'good', 'refused', 'removed', 'other key'), {
      minLength: 20,
      maxLength: 20,
    }),
    used: fc.option(fc.nat({ max: 19 })),
  })
  .map(({ places, fates, used }) => {
    const entries = places.map((place, index) =>
      anEntry({
        ...place,
        key: fates[index] === 'other key' ? 'other' : 'k',
        refused: fates[index] === 'refused' ? 'shard-missing' : null,
        removedAt: fates[index] === 'removed' ? AT : null,
      }),
    );
    const dir = used === null ? undefined : entries[used]?.dir;
    return ledgerOf(entries, dir === undefined ? null : { attempt: 5, dir });
  });

describe('retention', () => {
  test('keeps the newest, what is in use, what is needed and what is damaged; never gives up more than the rest (property)', () => {
    fc.assert(
      fc.property(
        anyLedger,
        fc.integer({ min: 0, max: 6 }),
        fc.array(fc.nat({ max: 19 }), { maxLength: 3 }),
        (ledger, keep, indices) => {
          const needed = new Set(indices.map((index) => ledger.checkpoints[index]?.dir ?? 'elsewhere'));
          const after = giveUpSurplus(ledger, { key: 'k', keep, needed, spoiled: new Set(), at: AT });
          const gone = ledger.checkpoints.filter(
            (entry, index) => entry.removedAt !== after.checkpoints[index]?.removedAt,
          );
          const usable = ledger.checkpoints
            .filter((entry) => entry.key === 'k' && isUsable(entry))
            .toSorted(newestFirst);
          for (const entry of gone) {
            expect(entry).toMatchObject({ key: 'k', refused: null, removedAt: null });
            expect(entry.dir).not.toBe(ledger.inUse?.dir);
            expect(needed.has(entry.dir)).toBe(false);
            expect(usable.indexOf(entry)).toBeGreaterThanOrEqual(Math.max(1, keep));
          }
          const left = after.checkpoints.filter((entry) => entry.key === 'k' && isUsable(entry));
          expect(left.length).toBeGreaterThanOrEqual(Math.min(usable.length, Math.max(1, keep)));
          const spared = left.filter(({ dir }) => dir === ledger.inUse?.dir || needed.has(dir));
          expect(left.length - spared.length).toBeLessThanOrEqual(Math.max(1, keep));
          expect(giveUpSurplus(after, { key: 'k', keep, needed, spoiled: new Set(), at: AT })).toBe(after);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('does not count a spoiled one, and gives it up with those that are older than what is kept', () => {
    const entries = [2, 4, 6, 8].map((iteration) => anEntry({ iteration }));
    const gone = (keep: number, ...spoiled: readonly number[]) =>
      giveUpSurplus(ledgerOf(entries), {
        key: 'k',
        keep,
        needed: new Set(),
        spoiled: new Set(entries.filter(({ iteration }) => spoiled.includes(iteration)).map(({ dir }) => dir)),
        at: AT,
      }).checkpoints.flatMap(({ iteration, removedAt }) => (removedAt === null ? [] : [iteration]));
    expect(gone(1, 8)).toEqual([2, 4]);
    expect(gone(2, 6)).toEqual([2]);
    expect(gone(1, 2)).toEqual([2, 4, 6]);
    expect(gone(1, 2, 4, 6, 8)).toEqual([]);
  });

  test('gives up what was proven before a date, but never the newest that counts', () => {
    const on = (day: number): string => `2026-11-0${day}T10:00:00.000Z`;
    const entries = [2, 4, 6, 8].map((iteration) => anEntry({ iteration, provenAt: on(iteration) }));
    const gone = (keep: number, provenBefore: string, ...spoiled: readonly number[]) =>
      giveUpSurplus(ledgerOf(entries), {
        ...{ key: 'k', keep, provenBefore, needed: new Set<string>(), at: AT },
        spoiled: new Set(entries.filter(({ iteration }) => spoiled.includes(iteration)).map(({ dir }) => dir)),
      }).checkpoints.flatMap(({ iteration, removedAt }) => (removedAt === null ? [] : [iteration]));
    expect(gone(Number.POSITIVE_INFINITY, on(5))).toEqual([2, 4]);
    // The same moment in another zone.
    expect(gone(Number.POSITIVE_INFINITY, '2026-11-06T12:00:00.001+02:00')).toEqual([2, 4, 6]);
    expect(gone(Number.POSITIVE_INFINITY, on(9))).toEqual([2, 4, 6]);
    expect(gone(Number.POSITIVE_INFINITY, on(9), 8)).toEqual([2, 4, 8]);
    expect(gone(1, on(1))).toEqual([2, 4, 6]);
  });

  test('forgets the seal of what it gives up and says when', () => {
    const ledger = ledgerOf([anEntry({ iteration: 2 }), anEntry({ iteration: 4 })]);
    expect(
      giveUpSurplus(ledger, { key: 'k', keep: 1, needed: new Set(), spoiled: new Set(), at: AT }).checkpoints,
    ).toMatchObject([
      { iteration: 2, seal: null, removedAt: AT },
      { iteration: 4, removedAt: null },
    ]);
  });
});

describe('notes', () => {
  test('a second proof keeps the first seal and time, and lifts a refusal', () => {
    const first = anEntry({ iteration: 2 });
    const refused = noteRefused(ledgerOf([first]), first.dir, 'shard-missing');
    const again = noteProven(
      refused,
      anEntry({ iteration: 2, provenAt: AT, seal: { metadataSha256: 'bb', shards: [] } }),
    );
    expect(again.checkpoints).toEqual([first]);
  });

  test('that change nothing answer the same ledger', () => {
    const ledger = ledgerOf([anEntry()], { attempt: 2, dir: 'x' });
    expect(noteProven(ledger, anEntry())).toBe(ledger);
    expect(noteRefused(ledger, 'nowhere', 'x')).toBe(ledger);
    expect(noteInUse(ledger, 2, 'x')).toBe(ledger);
  });

  test('an older attempt does not take over what is in use', () => {
    const ledger = ledgerOf([anEntry()], { attempt: 2, dir: 'x' });
    expect(noteInUse(ledger, 1, anEntry().dir)).toBe(ledger);
    expect(noteInUse(ledger, 3, anEntry().dir).inUse).toEqual({ attempt: 3, dir: anEntry().dir });
  });

  test('what retention gave up cannot be taken into use', () => {
    const gone = anEntry({ removedAt: AT, seal: null });
    expect(noteInUse(ledgerOf([gone]), 3, gone.dir).inUse).toBeNull();
  });
});
