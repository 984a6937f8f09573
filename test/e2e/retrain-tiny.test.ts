import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listModels } from '../../src/client/models.js';
import { triggerSchedule } from '../../src/client/schedules/steer.js';
import { startDev, type Dev } from './support/dev.js';
import { apply, endedRun, waitForSchedule } from './support/retrains.js';
import { tinySpec } from './support/tiny-spec.js';

const SCHEDULE = `apiVersion: temper/v1
kind: Retrain
name: weekly
model: shapes
spec: ./spec.yaml
schedule: { cron: '0 3 * * SUN', timezone: Europe/Berlin }
startFrom: promoted
gate: ['evalLoss <= promoted.evalLoss * 1.01', 'evalLoss < 10']
`;

describe('a retrain of a real model', { timeout: 240_000 }, () => {
  let dev: Dev;

  beforeAll(async () => {
    dev = await startDev();
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  it('goes from the schedule to a promoted model with a measured loss', async () => {
    const workspace = join(dev.home, 'workspace');
    await apply(dev, SCHEDULE, tinySpec({ name: 'tiny', workspace, iterations: 20, every: 20, heldOutRows: 10 }));
    await triggerSchedule(dev.client, 'weekly');
    const run = await waitForSchedule(dev, 'weekly', (report) => endedRun(report, 0), 220_000);
    expect(run, JSON.stringify(run)).toMatchObject({ state: 'promoted' });
    const [model] = await listModels(dev.client, null, 'shapes');
    const evalLoss = model?.versions[0]?.metrics?.['evalLoss'];
    process.stdout.write(`cpu-tiny after 20 iterations: evalLoss ${evalLoss}\n`);
    expect(evalLoss).toBeGreaterThan(0);
    expect(await realpath(join(workspace, 'models/shapes/current/hf'))).toBe(
      await realpath(join(workspace, 'runs', run.run ?? '', 'export/hf')),
    );
  });
});
