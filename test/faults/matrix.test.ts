import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canHang } from '../host/keeper/workspace.js';
import { NETWORK_ROWS, ROWS } from './rows.js';
import { CAN_CUT_WORKSPACE } from './support/fault-host.js';
import { FaultSite } from './support/fault-site.js';
import { CAN_CUT_NETWORK } from './support/networks.js';
import { chooseSeed } from './support/random.js';
import type { FaultRow } from './support/row.js';
import { runRow, trainUndisturbed, type Undisturbed } from './support/run-row.js';
import { SIMULATED } from './support/training.js';

/** `npm run test:faults` sets this; without it the quick rows run. */
const SCOPE = process.env['TEMPER_FAULTS'] ?? 'quick';
const ONLY = process.env['TEMPER_FAULTS_ONLY'];
const SEED = chooseSeed(process.env['TEMPER_FAULTS_SEED']);

describeRows('a simulated training', ROWS, false);
describeRows('a simulated training on hosts with networks of their own', NETWORK_ROWS, true);

function describeRows(title: string, rows: readonly FaultRow[], haveNetworks: boolean): void {
  const chosen = rows.filter(({ name, isQuick = false }) =>
    ONLY === undefined || ONLY === '' ? SCOPE === 'all' || isQuick : ONLY.split(',').includes(name),
  );
  describe.skipIf(chosen.every(isImpossible))(title, () => {
    let site: FaultSite;
    let undisturbed: Undisturbed;
    beforeAll(async () => {
      process.stdout.write(`moments chosen by seed ${SEED}; again with TEMPER_FAULTS_SEED=${SEED}\n`);
      site = await FaultSite.open({ hosts: ['h1', 'h2'], spare: 'h3', haveNetworks });
      undisturbed = await trainUndisturbed(site, SIMULATED);
    }, 180_000);
    afterAll(async () => {
      await site?.stop();
    }, 60_000);

    for (const row of chosen) {
      it.skipIf(isImpossible(row))(
        `survives, or stops for: ${row.name}`,
        { timeout: 240_000 },
        async ({ onTestFailed }) => {
          onTestFailed(() => void process.stdout.write(`${site.told()}\n`));
          const startedAt = performance.now();
          await site.withSpare(row.hasSpare === true, async () => {
            const incidents = await runRow(site, SIMULATED, row, SEED, undisturbed);
            const told = incidents.map(({ verdict, reaction }) => `${verdict.cause} -> ${reaction}`).join(', ');
            const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
            process.stdout.write(`${row.name}: ${told || 'nothing came of it'} (${seconds} s)\n`);
          });
        },
      );
    }
  });
}

describe('the rows', () => {
  it('have names of their own, and those that were asked for are there', () => {
    const names = [...ROWS, ...NETWORK_ROWS].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    // The others are rows of the real trainer.
    const asked = (ONLY ?? '').split(',').filter((name) => name !== '' && !name.startsWith('tiny-'));
    expect(names).toEqual(expect.arrayContaining(asked));
  });
});

function isImpossible({ needs }: FaultRow): boolean {
  if (needs === 'own-workspace') return !CAN_CUT_WORKSPACE;
  if (needs === 'own-network') return !CAN_CUT_NETWORK || !CAN_CUT_WORKSPACE;
  return needs === 'hung-file-system' && !canHang();
}
