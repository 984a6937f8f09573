import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeSchedule } from '../../src/client/schedules/report.js';
import { backfillSchedule, pauseSchedule } from '../../src/client/schedules/steer.js';
import { startDev, type Dev } from './support/dev.js';
import { replayRetrains } from './support/histories.js';
import { apply, oneOfEach, retrainSpec, spansOf, triggered, waitForSchedule, writeRows } from './support/retrains.js';

const DATED = `apiVersion: temper/v1
kind: Retrain
name: dated
model: dated
spec: ./spec.yaml
startFrom: promoted
keep: 3
schedule: { cron: '30 2 * * *', timezone: Asia/Shanghai }
gate: [evalLoss < 100]
`;

describe('a schedule whose data comes by date', { timeout: 150_000 }, () => {
  let dev: Dev;
  let workspace: string;

  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  it('runs each of three dates of a backfill with the data of its date, one after the other', async () => {
    const dates = ['2026-11-03', '2026-11-04', '2026-11-05'];
    for (const date of dates) await writeRows(join(dev.home, `dated/${date}.json`), date);
    await apply(dev, DATED, retrainSpec({ workspace, annotations: `${dev.home}/dated/{{date}}.json` }));
    await backfillSchedule(dev.client, 'dated', { from: '2026-11-03', to: '2026-11-05' });
    const report = await waitForSchedule(
      dev,
      'dated',
      (one) => (one.runs.length === 3 && one.runs.every(({ state }) => state === 'promoted') ? one : null),
      140_000,
    );
    expect(report).toMatchObject({ overlap: 'SKIP', catchupMs: 2 * 3_600_000, isPaused: false });
    const spans = await spansOf(dev, 'dated');
    for (const [index, { from }] of spans.slice(1).entries())
      expect(from).toBeGreaterThanOrEqual(spans[index]?.to ?? 0);
    for (const [index, { run }] of [...report.runs].reverse().entries()) {
      const spec = await readFile(join(workspace, 'runs', run ?? '', 'spec.yaml'), 'utf8');
      expect(spec).toContain(`/dated/${dates[index]}.json`);
      // 02:30 in Shanghai is the evening before in UTC.
      expect(run).toBe(`dated-202611${String(index + 2).padStart(2, '0')}t183000`);
    }
    // No file came for the day of this one.
    expect(await triggered(dev, 'dated')).toMatchObject({ state: 'skipped' });
  });

  it('skips dates of a backfill that are still queued when the schedule is paused', async () => {
    const { taken } = await describeSchedule(dev.client, 'dated');
    await backfillSchedule(dev.client, 'dated', { from: '2026-11-03', to: '2026-11-05' });
    await waitForSchedule(dev, 'dated', (one) => (one.taken > taken ? one : null));
    const { text } = await pauseSchedule(dev.client, 'dated', 'the data is wrong');
    expect(text).toMatch(/; 2 queued starts will be skipped$/);
    const { runs } = await waitForSchedule(dev, 'dated', (one) =>
      one.taken === taken + 3 && one.runs.every(({ state }) => state !== 'running') ? one : null,
    );
    expect(runs.slice(0, 2)).toMatchObject(
      Array.from({ length: 2 }, () => ({
        state: 'skipped',
        reason: expect.stringMatching(/paused.*the data is wrong/),
      })),
    );
  });

  it('replays', async () => {
    await replayRetrains(dev.client, await oneOfEach(dev, 'dated'));
  });
});
