import { readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listModels, rollBackModel } from '../../src/client/models.js';
import { getRunStatus } from '../../src/client/run-status.js';
import { cancelRun } from '../../src/client/runs.js';
import { approveRun } from '../../src/client/schedules/approve.js';
import { describeSchedule } from '../../src/client/schedules/report.js';
import { deleteSchedule, pauseSchedule, triggerSchedule, unpauseSchedule } from '../../src/client/schedules/steer.js';
import { runWorkflowId, scheduleId } from '../../src/domain/ids.js';
import type { ScheduleRun } from '../../src/schemas/schedule.js';
import { startDev, waitFor, type Dev } from './support/dev.js';
import { replayRetrains } from './support/histories.js';
import { apply, endedRun, oneOfEach, retrainSpec, triggered } from './support/retrains.js';
import { isTraining, spansOf, waitForSchedule, writeRows } from './support/retrains.js';

const NIGHTLY = `apiVersion: temper/v1
kind: Retrain
name: nightly
model: numbers
spec: ./spec.yaml
startFrom: promoted
keep: 3
`;

describe('a schedule that retrains, on a real temper dev', { timeout: 150_000 }, () => {
  let dev: Dev;
  let workspace: string;
  let rows: string;
  let approved: string;

  const schedule = (more: string, every = '1h'): string =>
    `${NIGHTLY}schedule: { every: ${every}, catchup: 10m }\ninputs: [{ data: daily, glob: '${rows}/*.json' }]\n${more}`;
  const current = (): Promise<string> => readlink(join(workspace, 'models/numbers/current'));
  const trigger = (name = 'nightly'): Promise<ScheduleRun> => triggered(dev, name);

  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
    rows = join(dev.home, 'rows');
    await writeRows(join(rows, 'a.json'), 'a');
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  it('promotes the first model by itself and then finds nothing new, again and again', async () => {
    const dry = await apply(dev, schedule('', '3s'), retrainSpec({ workspace }), true);
    expect(dry).toMatchObject({ action: 'created', isDryRun: true });
    await expect(describeSchedule(dev.client, 'nightly')).rejects.toThrow('there is no schedule nightly');
    await apply(dev, schedule('', '3s'), retrainSpec({ workspace }));
    expect(await apply(dev, schedule('', '3s'), retrainSpec({ workspace }))).toMatchObject({
      action: 'unchanged',
      changes: [],
    });
    const first = await waitForSchedule(dev, 'nightly', (report) => endedRun(report, 0));
    expect(first, JSON.stringify(first)).toMatchObject({ state: 'promoted' });
    expect(await current()).toBe('versions/0001');
    const second = await waitForSchedule(dev, 'nightly', (report) => endedRun(report, 1));
    expect(second).toMatchObject({
      state: 'skipped',
      reason: 'the inputs are those of the promoted model 1',
      run: null,
    });
    const report = await describeSchedule(dev.client, 'nightly');
    expect(report.nextTimes).toHaveLength(5);
    expect(report.lastSkip).toBe(second.reason);
    expect(report.skippedByOverlap).toBeGreaterThan(0);
    const spans = await spansOf(dev, 'nightly');
    for (const [index, { from }] of spans.slice(1).entries())
      expect(from).toBeGreaterThanOrEqual(spans[index]?.to ?? 0);
    await pauseSchedule(dev.client, 'nightly', 'the test goes on by hand');
  });

  it('trains on changed data from the promoted model, while the server is killed, and starts no second one', async () => {
    await writeRows(join(rows, 'b.json'), 'b');
    const update = await apply(dev, schedule(''), retrainSpec({ workspace, env: { SIM_STEP_MS: 40 } }));
    expect(update).toMatchObject({
      action: 'updated',
      changes: [
        { field: 'schedule.every', from: '3 s', to: '3600 s' },
        { field: 'spec.train.env.SIM_STEP_MS', from: '1', to: '40' },
      ],
    });
    expect(await describeSchedule(dev.client, 'nightly')).toMatchObject({ isPaused: true });
    const { taken } = await describeSchedule(dev.client, 'nightly');
    const started = await triggerSchedule(dev.client, 'nightly');
    expect(started.did).toBe('triggered');
    expect(await triggerSchedule(dev.client, 'nightly')).toMatchObject({ did: 'skipped' });
    await dev.kill('server');
    const run = await waitForSchedule(dev, 'nightly', (report) => endedRun(report, taken));
    expect(run, JSON.stringify(run)).toMatchObject({ state: 'promoted' });
    expect(await current()).toBe('versions/0002');
    const [model] = await listModels(dev.client, null, 'numbers');
    expect(model).toMatchObject({
      current: 2,
      versions: [
        { version: 2, startedFrom: 1 },
        { version: 1, startedFrom: null },
      ],
    });
    const spec = await readFile(join(workspace, 'runs', run.run ?? '', 'spec.yaml'), 'utf8');
    expect(spec).toContain(`path:${workspace}/models/numbers/versions/0001/hf`);
    expect(spec).toContain(`${rows}/a.json`);
    expect(spec).toContain(`${rows}/b.json`);
    expect(await realpath(join(workspace, 'models/numbers/current/hf'))).toBe(
      await realpath(join(workspace, 'runs', run.run ?? '', 'export/hf')),
    );
  });

  it('refuses a worse model and keeps the promoted one', async () => {
    await apply(
      dev,
      schedule('').replace('startFrom: promoted', 'startFrom: base'),
      retrainSpec({ workspace, iterations: 1 }),
    );
    const run = await trigger();
    expect(run, JSON.stringify(run)).toMatchObject({ state: 'refused' });
    expect(run.reason).toMatch(
      /evalLoss <= promoted\.evalLoss \* 1\.01: does not hold \(evalLoss = .+, promoted\.evalLoss = /,
    );
    expect(await current()).toBe('versions/0002');
    expect(await describeSchedule(dev.client, 'nightly')).toMatchObject({ lastSkip: run.reason, isPaused: true });
  });

  it('is paused by a run that fails, which leaves nothing waiting, and goes on when that is corrected', async () => {
    const faults = join(dev.home, 'faults.json');
    await writeFile(faults, JSON.stringify({ v: 1, faults: [{ kind: 'data-error', rank: 0, iteration: 5 }] }));
    await writeRows(join(rows, 'c.json'), 'c');
    await apply(dev, schedule(''), retrainSpec({ workspace, env: { SIM_FAULTS: faults } }));
    await unpauseSchedule(dev.client, 'nightly', 'go on');
    const run = await trigger();
    expect(run).toMatchObject({ state: 'failed' });
    expect(run.reason).toContain('TrainingFailed');
    const report = await waitForSchedule(dev, 'nightly', (one) => (one.isPaused ? one : null));
    expect(report.note).toContain('paused due to workflow failure');
    expect(await getRunStatus(dev.client, run.run ?? '')).toMatchObject({ state: 'failed' });
    expect(await current()).toBe('versions/0002');
  });

  it('compares with the model that was rolled back to, and does not bring the other one back', async () => {
    const [before] = await listModels(dev.client, null, 'numbers');
    const given = before?.versions.find(({ version }) => version === 2)?.run;
    await rollBackModel(dev.client, null, { model: 'numbers', to: null, by: 'test', why: 'answers in rhymes' });
    expect(await current()).toBe('versions/0001');
    await apply(dev, schedule(''), retrainSpec({ workspace, env: { SIM_STEP_MS: 2 } }));
    const run = await trigger();
    expect(run, JSON.stringify(run)).toMatchObject({ state: 'promoted' });
    const [after] = await listModels(dev.client, null, 'numbers');
    expect(after?.versions[0]).toMatchObject({ version: 3, startedFrom: 1 });
    expect(after?.history.map(({ action, from, to }) => [action, from, to])).toEqual([
      ['promote', 1, 3],
      ['rollback', 2, 1],
      ['promote', 1, 2],
      ['promote', null, 1],
    ]);
    await rollBackModel(dev.client, null, { model: 'numbers', to: 2, by: 'test', why: 'it was better' });
    expect(await trigger()).toMatchObject({
      state: 'skipped',
      reason: 'the inputs are those of model 3, which was rolled back',
    });
    expect(given).toBeDefined();
    expect(await realpath(join(workspace, 'models/numbers/current/hf'))).toBe(
      await realpath(join(workspace, 'runs', given ?? '', 'export/hf')),
    );
  });

  it('waits for an approval no longer than it may, and promotes when it comes', async () => {
    const text = `${NIGHTLY.replace('nightly', 'asked').replace('numbers', 'asked')}schedule: { every: 1h }\ninputs: [{ data: daily, glob: '${rows}/a.json' }]\n`;
    await apply(dev, `${text}approval: { within: 1s }\n`, retrainSpec({ workspace }));
    await expect(trigger('asked')).resolves.toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('nobody approved within 1 s'),
    });
    await apply(dev, `${text}approval: { within: 5m }\n`, retrainSpec({ workspace }));
    const { taken } = await describeSchedule(dev.client, 'asked');
    await triggerSchedule(dev.client, 'asked');
    const run = await waitForSchedule(dev, 'asked', ({ runs: [one] }) => (one?.state === 'approval' ? one.run : null));
    await approveRun(dev.client, run, { isApproved: true, by: 'ada', reason: 'looks good' });
    const answered = await waitForSchedule(dev, 'asked', (report) => endedRun(report, taken));
    expect(answered).toMatchObject({ state: 'promoted' });
    approved = answered.workflowId;
    const [model] = await listModels(dev.client, null, 'asked');
    expect(model?.history[0]?.by).toContain('approved by ada');
    await expect(approveRun(dev.client, run, { isApproved: true, by: 'ada', reason: '' })).rejects.toThrow(
      'ApprovalNotAwaited',
    );
    await deleteSchedule(dev.client, 'asked');
    await expect(describeSchedule(dev.client, 'asked')).rejects.toThrow('there is no schedule');
  });

  it('ends the training of a retrain that is cancelled, and is not paused by that', async () => {
    await writeRows(join(rows, 'd.json'), 'd');
    await unpauseSchedule(dev.client, 'nightly', 'for the last test');
    await apply(dev, schedule(''), retrainSpec({ workspace, iterations: 5_000, env: { SIM_STEP_MS: 20 } }));
    /** Starts one, cancels it or its run once it trains, and waits for its end. */
    const cancelled = async (what: 'run' | 'retrain'): Promise<ScheduleRun> => {
      const { taken } = await describeSchedule(dev.client, 'nightly');
      const { run: started } = await triggerSchedule(dev.client, 'nightly');
      const run = await waitForSchedule(dev, 'nightly', ({ runs: [one], taken: now }) =>
        now > taken ? (one?.run ?? null) : null,
      );
      await waitFor('the training', async () => ((await isTraining(dev, run)) ? true : null));
      if (what === 'run') await cancelRun(dev.client, run);
      else await dev.client.temporal.workflow.getHandle(started?.workflowId ?? '').cancel();
      const ended = await waitForSchedule(dev, 'nightly', (report) => endedRun(report, taken));
      const child = await dev.client.temporal.workflow.getHandle(runWorkflowId(run)).describe();
      expect(child.status.name).toBe('CANCELLED');
      return ended;
    };
    expect(await cancelled('retrain')).toMatchObject({ state: 'cancelled' });
    expect(await cancelled('run')).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('was cancelled'),
    });
    expect(await describeSchedule(dev.client, 'nightly')).toMatchObject({ isPaused: false });
  });

  it('never retrains a model twice at once, and waits for hosts no longer than it may', async () => {
    const text = (name: string, more = ''): string =>
      `${NIGHTLY.replace('nightly', name).replace('numbers', name)}schedule: { every: 1h }\ninputs: [{ data: daily, glob: '${rows}/a.json' }]\n${more}`;
    const long = retrainSpec({ workspace, iterations: 5_000, env: { SIM_STEP_MS: 20 } });
    await apply(dev, text('twice'), long);
    const { run: first } = await triggerSchedule(dev.client, 'twice');
    const id = first?.workflowId ?? '';
    const training = await waitForSchedule(dev, 'twice', ({ runs: [one] }) => one?.run ?? null);
    await waitFor('the training', async () => ((await isTraining(dev, training)) ? true : null));

    expect((await deleteSchedule(dev.client, 'twice')).text).toContain(`${id} goes on`);
    expect(await apply(dev, text('twice'), long)).toMatchObject({ action: 'created', running: id });
    expect(await triggerSchedule(dev.client, 'twice')).toMatchObject({
      did: 'skipped',
      text: `twice started nothing: another retrain of model twice runs: ${id}`,
    });
    // As it does by itself when its time has come.
    await dev.client.temporal.schedule.getHandle(scheduleId('twice')).trigger();
    expect(await waitForSchedule(dev, 'twice', (report) => endedRun(report, 0))).toMatchObject({
      state: 'skipped',
      run: null,
      reason: `another retrain of model twice runs: ${id}`,
    });

    // Its hosts are not free, and another model is none of its business.
    await apply(dev, text('waiting', 'waitForHosts: 1s\n'), retrainSpec({ workspace, iterations: 31 }));
    const late = await trigger('waiting');
    expect(late).toMatchObject({ state: 'skipped', run: expect.stringMatching(/^waiting-/) });
    expect(late.reason).toContain('no 2 free hosts came within 1 s');
    expect(await describeSchedule(dev.client, 'waiting')).toMatchObject({ isPaused: false });

    await dev.client.temporal.workflow.getHandle(id).cancel();
    await expect(dev.client.temporal.workflow.getHandle(id).result()).rejects.toThrow('cancelled');
    await apply(dev, text('twice'), retrainSpec({ workspace }));
    expect(await trigger('twice')).toMatchObject({ state: 'promoted' });
  });

  it('replays', async () => {
    await replayRetrains(dev.client, new Map([...(await oneOfEach(dev, 'nightly')), ['approved', approved]]));
  });
});
