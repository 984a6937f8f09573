import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleUpdateOptions } from '@temporalio/client';
import { connect, type TemperClient } from '../../src/client/connect.js';
import { applySchedule } from '../../src/client/schedules/apply.js';
import { describeSchedule } from '../../src/client/schedules/report.js';
import { scheduleId } from '../../src/domain/ids.js';
import { readRetrain } from '../../src/domain/retrain/read-retrain.js';
import type { ScheduleApplied } from '../../src/schemas/schedule.js';
import { retrainSpec } from '../e2e/support/retrains.js';
import { startTestServer, type TestServer } from '../support/dev-server.js';

const CRON = "cron: '*/20 2,3 1-7 JAN-JUN MON-FRI', timezone: Asia/Shanghai, jitter: 5m";

describe('a schedule that another tool edited', () => {
  let server: TestServer;
  let client: TemperClient;

  const apply = (when: string, isDryRun = false): Promise<ScheduleApplied> => {
    const text = `apiVersion: temper/v1\nkind: Retrain\nname: nightly\nspec: ./spec.yaml\nschedule: { ${when} }\ngate: [evalLoss < 1]\n`;
    const file = readRetrain(text, 'schedule.yaml');
    if (file.retrain === null) throw new Error(JSON.stringify(file.problems));
    const request = { file, specText: retrainSpec({ workspace: '/ws' }), specFile: '/spec.yaml' };
    return applySchedule(client, request, isDryRun);
  };
  /** As `temporal schedule update` and the Temporal UI do: they keep what they do not change. */
  const edit = (change: (now: ScheduleUpdateOptions) => Partial<ScheduleUpdateOptions>): Promise<void> =>
    client.temporal.schedule.getHandle(scheduleId('nightly')).update((now) => {
      const same = { spec: now.spec, action: now.action, policies: now.policies, state: now.state };
      return { ...same, ...change(same) };
    });

  beforeAll(async () => {
    server = await startTestServer();
    client = await connect({ address: server.address, namespace: server.namespace });
  }, 60_000);
  afterAll(async () => {
    await client?.close();
    await server?.stop();
  }, 60_000);

  it.each([
    ['every: 6h', 'every 21600 s'],
    ["cron: '@weekly'", '@weekly'],
    ["cron: '30 2 * * 7'", '30 2 * * 7'],
    ["cron: '5/20 8 */2 * sun,WED'", '5/20 8 */2 * sun,WED'],
    [CRON, '*/20 2,3 1-7 JAN-JUN MON-FRI, up to 300 s later'],
  ])('is unchanged without such an edit: %s', async (when, shown) => {
    await apply(when);
    expect(await apply(when)).toMatchObject({ action: 'unchanged', changes: [] });
    expect((await describeSchedule(client, 'nightly')).when).toBe(shown);
  });

  it.each<[string, (now: ScheduleUpdateOptions) => Partial<ScheduleUpdateOptions>, Record<string, unknown>[]]>([
    [
      'another cron expression',
      ({ spec: { timezone, jitter } }) => ({
        spec: { cronExpressions: ['0 4 * * SUN'], ...(timezone && jitter ? { timezone, jitter } : {}) },
      }),
      [{ field: 'schedule.cron', from: '0 4 * * SUN', to: '*/20 2,3 1-7 JAN-JUN MON-FRI' }],
    ],
    [
      'an interval, and neither zone nor jitter',
      () => ({ spec: { intervals: [{ every: '1h', offset: '5m' }] } }),
      [
        { field: 'schedule.cron', from: 'every 3600 s + 300 s', to: '*/20 2,3 1-7 JAN-JUN MON-FRI' },
        { field: 'schedule.timezone', from: 'UTC', to: 'Asia/Shanghai' },
        { field: 'schedule.jitter', from: '0 s', to: '300 s' },
      ],
    ],
    [
      'times beside and times left out',
      ({ spec }) => ({
        spec: {
          ...spec,
          calendars: [...(spec.calendars ?? []), { second: 30, year: 2030 }],
          skip: [{ hour: 2, minute: '*', dayOfWeek: 'MONDAY' }],
          endAt: new Date('2030-01-01T00:00:00Z'),
        },
      }),
      [
        {
          field: 'schedule.cron',
          from: expect.stringMatching(/ and 0 0 \* \* \* at the seconds 30 in the years 2030$/),
          to: '*/20 2,3 1-7 JAN-JUN MON-FRI',
        },
        { field: 'times left out', from: '* 2 * * MON', to: null },
        { field: 'last time', from: '2030-01-01T00:00:00.000Z', to: null },
      ],
    ],
    [
      'policies that would orphan a training',
      () => ({ policies: { overlap: 'ALLOW_ALL', catchupWindow: '1m', pauseOnFailure: false } }),
      [
        { field: 'schedule.catchup', from: '60 s', to: '7200 s' },
        { field: 'schedule.pauseOnFailure', from: 'false', to: 'true' },
        { field: 'schedule.overlap', from: 'ALLOW_ALL', to: 'SKIP' },
      ],
    ],
    [
      'what is started, how, and how often',
      ({ action, state }) => ({
        action: { ...action, taskQueue: 'elsewhere', memo: { other: 1 }, workflowRunTimeout: '1m' },
        state: { ...state, remainingActions: 3 },
      }),
      [
        { field: 'runs that are left', from: '3', to: null },
        { field: 'task queue', from: 'elsewhere', to: 'temper/default/control' },
        { field: 'memo', from: '{"other":1}', to: expect.stringContaining('temperRetrain') },
        { field: 'workflow run timeout', from: '60000', to: null },
      ],
    ],
  ])('is told and made as its file has it: %s', async (_what, change, changes) => {
    await apply(CRON);
    await edit(change);
    expect(await apply(CRON, true)).toEqual({
      v: 1,
      name: 'nightly',
      action: 'updated',
      isDryRun: true,
      changes,
      running: null,
    });
    expect(await apply(CRON)).toMatchObject({ action: 'updated', changes });
    expect(await apply(CRON)).toMatchObject({ action: 'unchanged', changes: [] });
  });
});
