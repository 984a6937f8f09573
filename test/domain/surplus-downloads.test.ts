import { describe, expect, it } from 'vitest';
import { fetchingRun, surplusDownloads, type DownloadFacts } from '../../src/domain/surplus-downloads.js';

const DAY = 24 * 3_600_000;
const NOW = 100 * DAY;

interface Case extends Partial<DownloadFacts> {
  /** Names that it has in outputs that stay. */
  readonly outputs?: number;
  /** Whether an output that goes has it. */
  readonly isFreed?: boolean;
}

const GOING = { shared: [{ id: 'f', bytes: 10, links: 0, names: 1 }] };
const file = (ageDays: number, { outputs = 0, isFreed = false, ...over }: Case = {}) => ({
  download: {
    name: 'sha256-00',
    bytes: 10,
    shared: [{ id: 'f', bytes: 10, links: 1 + outputs + (isFreed ? 1 : 0), names: 1 }],
    touchedMs: NOW - ageDays * DAY,
    isPartial: false,
    isClaimed: false,
    ...over,
  },
  going: isFreed ? [GOING] : [],
});
const run = (open: string | null, outputs: readonly string[]) => ({
  ...{ name: 'r', bytes: 1, shared: [], touchedMs: 0, uses: [] },
  open,
  outputs,
});
type File = ReturnType<typeof file>;
const goes = ({ download, going }: File, olderThanMs: number | null = null, runs = [run(null, [])]): boolean =>
  surplusDownloads({ downloads: [download], runs }, going, { olderThanMs }, NOW).length === 1;

describe('a download', () => {
  it.each<[string, File, number | null, boolean]>([
    ['that no output holds', file(2), null, true],
    ['that has one name only', file(2, { shared: [] }), null, true],
    ['that was touched within a day', file(0.9), null, false],
    ['that was touched within a day, whatever the limit', file(0.9), 0, false],
    ['that is younger than the limit', file(2), 3 * DAY, false],
    ['that is older than the limit', file(4), 3 * DAY, true],
    ['that an output holds', file(9, { outputs: 1 }), null, false],
    ['that a going output gives up', file(0, { isFreed: true }), 3 * DAY, true],
    ['that a going output gives up and another one holds', file(9, { isFreed: true, outputs: 1 }), null, false],
    ['that somebody is at', file(9, { isClaimed: true, isFreed: true }), null, false],
    ['that was interrupted', file(8, { isPartial: true }), null, true],
    ['that was interrupted this week', file(6, { isPartial: true }), null, false],
    ['that was interrupted before the limit', file(6, { isPartial: true }), 5 * DAY, true],
    ['that was interrupted and is gone on with', file(9, { isPartial: true, isClaimed: true }), null, false],
  ])('%s', (_what, one, limit, answer) => {
    expect(goes(one, limit)).toBe(answer);
  });

  it.each([
    ['ended', null, [], true],
    ['has its data only', 'it is running', ['data/k'], false],
    ['has its weights only', 'it is blocked', ['weights/k'], false],
    ['has all', 'it is running', ['data/k', 'weights/k'], true],
  ])('waits for a run that %s', (_what, open, outputs, answer) => {
    const runs = [run(null, []), run(open, outputs)];
    expect(goes(file(9), null, runs)).toBe(answer);
    expect(fetchingRun({ runs }) === null).toBe(answer);
  });
});
