import { afterAll, beforeAll, describe, it } from 'vitest';
import { FaultSite } from './support/fault-site.js';
import { chooseSeed } from './support/random.js';
import { restarted, UNTOUCHED, type FaultRow } from './support/row.js';
import { runRow, trainUndisturbed, type Undisturbed } from './support/run-row.js';
import { TINY } from './support/training.js';

/** Torch starts for half a minute on two busy cores, once per row and once more per restart: all rows are for `test:faults`. */
const IS_WANTED = process.env['TEMPER_FAULTS'] === 'all';
const ONLY = process.env['TEMPER_FAULTS_ONLY'] ?? '';
const SEED = chooseSeed(process.env['TEMPER_FAULTS_SEED']);

const ROWS: readonly FaultRow[] = [
  { name: 'tiny-rank', strike: { name: 'killRank', at: 'step' }, expected: restarted('rank-killed') },
  {
    name: 'tiny-stopped',
    strike: { name: 'stopRank', at: 'step' },
    expected: { ...restarted('stalled'), slow: /stopped or waiting for a disk/ },
  },
  { name: 'tiny-torchrun', strike: { name: 'killLauncher', at: 'step' }, expected: restarted('rank-killed') },
  {
    name: 'tiny-keeper',
    strike: { name: 'killKeeper', at: 'step' },
    expected: restarted('keeper-lost', 'clean-restart'),
  },
  { name: 'tiny-worker', strike: { name: 'killWorker', at: 'step' }, expected: UNTOUCHED },
  { name: 'tiny-server', strike: { name: 'killServer', at: 'step' }, expected: UNTOUCHED },
  { name: 'tiny-save', strike: { name: 'killInSave', at: 'early' }, expected: restarted('rank-killed') },
  {
    name: 'tiny-shard',
    strike: { name: 'truncateShard', at: 'step' },
    expected: { ...restarted('rank-killed'), refused: /shard-truncated|bytes/ },
  },
  {
    name: 'tiny-host',
    hasSpare: true,
    strike: { name: 'losePower', at: 'step' },
    expected: { ...restarted('host-lost', 'replace-host'), areMetricsLost: true },
  },
];

const chosen = ROWS.filter(({ name }) => ONLY === '' || ONLY.split(',').includes(name));

describe.skipIf(!IS_WANTED || chosen.length === 0)('a real training on the CPU', () => {
  let site: FaultSite;
  let undisturbed: Undisturbed;
  beforeAll(async () => {
    process.stdout.write(`moments chosen by seed ${SEED}\n`);
    site = await FaultSite.open({
      hosts: ['h1', 'h2'],
      spare: 'h3',
      timing: { stallStartMs: 180_000, stallStepMs: 30_000 },
    });
    undisturbed = await trainUndisturbed(site, TINY);
  }, 400_000);
  afterAll(async () => {
    await site?.stop();
  }, 60_000);

  for (const row of chosen) {
    it(`survives: ${row.name}`, { timeout: 400_000 }, async ({ onTestFailed }) => {
      onTestFailed(() => void process.stdout.write(`${site.told()}\n`));
      await site.withSpare(row.hasSpare === true, async () => {
        const incidents = await runRow(site, TINY, row, SEED, undisturbed);
        process.stdout.write(
          `${row.name}: ${incidents.map(({ verdict }) => verdict.sentence).join(', ') || 'untouched'}\n`,
        );
      });
    });
  }
});
