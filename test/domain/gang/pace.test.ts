import { describe, expect, it } from 'vitest';
import { PaceWindow, slowHosts, type RankTimes } from '../../../src/domain/gang/pace.js';
import type { Pace } from '../../../src/schemas/pace.js';

const IDLE: RankTimes = { rank: 0, workedMs: 0, queuedMs: 0, isStuck: false };

/** A look at one second after the other, at ranks 0, 1, ... */
function looks(...samples: readonly (readonly Partial<RankTimes>[])[]): (Pace | null)[] {
  const window = new PaceWindow();
  return samples.map((ranks, second) =>
    window.look({
      nowMs: 1_000 * second,
      ranks: new Map(ranks.map((times, rank) => [100 + rank, { ...IDLE, rank, ...times }])),
    }),
  );
}

function pace(over: Partial<Pace>): Pace {
  return { rank: 0, worked: 0, queued: 0, stuck: 0, typical: 0.1, spanMs: 30_000, ...over };
}

describe('the pace of a host', () => {
  it('is that of the rank that waits least for others, with the usual one beside it', () => {
    const [first, , last] = looks(
      [{ workedMs: 5_000 }, { workedMs: 7_000, queuedMs: 50 }, { workedMs: 5_000 }],
      [{ workedMs: 5_100 }, { workedMs: 7_300, queuedMs: 450 }, { workedMs: 5_050 }],
      [{ workedMs: 5_200 }, { workedMs: 7_600, queuedMs: 1_250 }, { workedMs: 5_100 }],
    );
    expect(first).toBeNull();
    expect(last).toEqual({ rank: 1, worked: 0.3, queued: 0.6, stuck: 0, typical: 0.1, spanMs: 2_000 });
  });

  it('counts a rank that is stopped by the looks that saw it so', () => {
    const last = looks([{}, {}], [{}, { isStuck: true }], [{}, { isStuck: true }], [{}, {}], [{}, {}]).at(-1);
    expect(last).toMatchObject({ rank: 1, worked: 0, stuck: 0.5 });
  });

  it('forgets what is long ago', () => {
    const busy = Array.from({ length: 5 }, (_, second) => [{ workedMs: 1_000 * second }]);
    const idle = Array.from({ length: 8 }, () => [{ workedMs: 4_000 }]);
    const paces = looks(...busy, ...idle);
    expect(paces[4]).toMatchObject({ worked: 1 });
    expect(paces.at(-1)).toMatchObject({ worked: 0 });
  });

  it('is not known for ranks that were not there before', () => {
    const window = new PaceWindow();
    expect(window.look({ nowMs: 0, ranks: new Map([[1, IDLE]]) })).toBeNull();
    expect(window.look({ nowMs: 1_000, ranks: new Map([[2, IDLE]]) })).toBeNull();
    expect(window.look({ nowMs: 2_000, ranks: new Map() })).toBeNull();
  });
});

describe('a slow host', () => {
  it('is named with its rank and what shows it', () => {
    const found = slowHosts([
      { host: 'h1', pace: pace({ rank: 1, worked: 0.12, typical: 0.1 }) },
      { host: 'h2', pace: pace({ rank: 5, worked: 0.11, queued: 0.84, typical: 0.12 }) },
      { host: 'h3', pace: pace({ rank: 9, worked: 0.14, typical: 0.11 }) },
    ]);
    expect(found).toEqual([
      {
        host: 'h2',
        rank: 5,
        sentence:
          'the others wait for rank 5 on h2: of the last 30 s it spent 11 % working, 84 % waiting for a processor; usual is 11 %',
      },
    ]);
  });

  it('is found among two, and among the ranks of one', () => {
    const two = [
      { host: 'h1', pace: pace({ worked: 0.9, typical: 0.9 }) },
      { host: 'h2', pace: pace({ worked: 0.2, typical: 0.2 }) },
    ];
    expect(slowHosts(two).map(({ host }) => host)).toEqual(['h1']);
    expect(slowHosts([{ host: 'h1', pace: pace({ rank: 3, stuck: 1, typical: 0.05 }) }])).toMatchObject([
      { host: 'h1', rank: 3, sentence: expect.stringContaining('100 % stopped or waiting for a disk') },
    ]);
  });

  it.each([
    { what: 'all are busy alike', paces: [0.95, 1, 0.97] },
    { what: 'all wait alike', paces: [0.02, 0.03, 0.02] },
    { what: 'one does more than the others, and still waits for most of the time', paces: [0.1, 0.4, 0.1] },
    { what: 'one is busier, but not twice as long', paces: [0.5, 0.9, 0.55] },
    { what: 'there is one rank only', paces: [1] },
    { what: 'nobody told', paces: [] },
  ])('is not named when $what', ({ paces }) => {
    const told = paces.map((worked, index) => ({ host: `h${index}`, pace: pace({ worked, typical: worked }) }));
    expect(slowHosts(told)).toEqual([]);
  });

  it('is one of at most three: when many are busy, nobody is slow', () => {
    const busy = (count: number, of: number): string[] =>
      slowHosts(
        Array.from({ length: of }, (_, index) => {
          const worked = index < count ? 0.9 : 0.1;
          return { host: `h${index}`, pace: pace({ worked: worked + index / 1_000, typical: worked }) };
        }),
      ).map(({ host }) => host);
    expect(busy(5, 16)).toEqual(['h4', 'h3', 'h2']);
    expect(busy(9, 16)).toEqual([]);
  });
});
