import { describe, expect, it } from 'vitest';
import { partsOfHosts, slowSavers, type SavedPart } from '../../../src/domain/checkpoints/slow-save.js';

/** Parts of hosts h0, h1, ... that ended so many seconds after the save began. */
function parts(...seconds: readonly number[]): SavedPart[] {
  return seconds.map((second, rank) => ({
    host: `h${rank}`,
    rank,
    endedAtMs: 1_000_000 + 1_000 * second,
    bytes: 2_000_000_000,
  }));
}

describe('a slow save', () => {
  it('names the hosts that it waited for, the slowest first', () => {
    expect(slowSavers(500, parts(20, 62, 21, 22, 25, 45))).toEqual([
      {
        host: 'h1',
        rank: 1,
        sentence:
          'the save of iteration 500 waited 40 s for rank 1 on h1, which wrote 2.0 GB, when half of the hosts had written their parts',
      },
      expect.objectContaining({ host: 'h5' }),
    ]);
    expect(slowSavers(1, parts(3, 14)).map(({ host }) => host)).toEqual(['h1']);
  });

  it.each([
    { what: 'hosts end together', seconds: [20, 21, 22, 23] },
    { what: 'one is some seconds late', seconds: [20, 21, 22, 29] },
    { what: 'all end one after the other', seconds: [20, 40, 60, 80] },
    { what: 'there is one host', seconds: [90] },
    { what: 'nothing was written', seconds: [] },
  ])('names nobody when $what', ({ seconds }) => {
    expect(slowSavers(1, parts(...seconds))).toEqual([]);
  });

  it('counts the ranks of a host together: the last one ends it', () => {
    const shards = [10, 30, 20, 15].map((endedAtMs, rank) => ({ rank, endedAtMs, bytes: 1 + rank }));
    expect(partsOfHosts([...shards, { rank: 9, endedAtMs: 99, bytes: 1 }], ['h1', 'h2'], 2)).toEqual([
      { host: 'h1', rank: 1, endedAtMs: 30, bytes: 3 },
      { host: 'h2', rank: 2, endedAtMs: 20, bytes: 7 },
    ]);
  });
});
