import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIncidents } from '../../src/host/run/incidents.js';
import { follow } from '../e2e/support/runs.js';
import { mergeSegments, readSegments } from './support/curve.js';
import { FaultSite } from './support/fault-site.js';
import { lastRank, type Place, type Shape } from './support/moments.js';
import { expectInvariantOf, expectNoStepAgain, expectNothingLeft } from './support/proofs.js';
import { chooseSeed, Random } from './support/random.js';
import { disturb, type Disturbance } from './support/soak.js';
import { soakTable } from './support/soak-table.js';
import { startTraining } from './support/training.js';

/** `npm run test:soak -- --faults N --seed S` sets these. */
const FAULTS = Number(process.env['TEMPER_SOAK_FAULTS'] ?? 0);
const SEED = chooseSeed(process.env['TEMPER_FAULTS_SEED']);

/** Room for a new checkpoint between two faults, and for the end. */
const ITERATIONS_PER_FAULT = 60;
const SHAPE: Shape = { nodes: 2, ranksPerNode: 2, iterations: (FAULTS + 1) * ITERATIONS_PER_FAULT, every: 20 };
/** A restart takes most of it; a stall and a lost host their time-outs. */
const MS_PER_FAULT = 60_000;

describe.skipIf(FAULTS === 0)('one long training', { timeout: 120_000 + FAULTS * MS_PER_FAULT }, () => {
  let site: FaultSite;
  beforeAll(async () => {
    process.stdout.write(`${FAULTS} faults, moments chosen by seed ${SEED}\n`);
    site = await FaultSite.open({ hosts: ['h1', 'h2'], spare: 'h3' });
  }, 120_000);
  afterAll(async () => {
    await site?.stop();
  }, 60_000);

  it('reaches its end through all of them, as if there had been none', async ({ onTestFailed }) => {
    onTestFailed(() => void process.stdout.write(`${site.told()}\n`));
    const calm = await startTraining(site, { ...SHAPE, name: 'calm', stepMs: 1, env: {} });
    expect((await follow(site.client, calm)).state).toBe('done');
    const undisturbed = mergeSegments(await readSegments(site, calm, lastRank(SHAPE)));
    const done: Disturbance[] = [];
    let run = '';
    await site.withSpare(true, async () => {
      run = await startTraining(site, { ...SHAPE, name: 'soak', stepMs: 20, env: {}, spares: 0 });
      const ending = follow(site.client, run);
      ending.catch(() => undefined);
      let place: Place = { ...SHAPE, site, run, random: Random.of(SEED, 'soak'), attempt: 1 };
      for (let fault = 1; fault <= FAULTS; fault += 1) {
        const disturbance = await disturb(place);
        done.push(disturbance);
        place = { ...place, attempt: disturbance.nextAttempt };
      }
      const status = await ending;
      const incidents = await readIncidents(site.workspace, run);
      process.stdout.write(`${soakTable(done, incidents, status.ettr ?? null)}\n`);
      expect(status.state, JSON.stringify(status.problem)).toBe('done');
      expect(incidents.map(({ verdict }) => verdict.cause)).toEqual(done.flatMap(({ cause }) => cause ?? []));
    });
    expect(mergeSegments(await readSegments(site, run, lastRank(SHAPE)))).toEqual(undisturbed);
    await expectNoStepAgain(site, run, { lastRank: lastRank(SHAPE), isDamaged: false });
    await expectInvariantOf(site, [run]);
    await expectNothingLeft(site, run, { wasPowerLost: true });
  });
});
