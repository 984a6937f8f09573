import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControlActivities } from '../../src/activities/control.js';
import { TemperError } from '../../src/domain/errors.js';
import { controlQueue, hostQueue, runWorkflowId } from '../../src/domain/ids.js';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type {
  PauseAnswer,
  PipelineInput,
  PipelineResult,
  ResumeAnswer,
  ResumeRequest,
  RunMemo,
} from '../../src/schemas/run.js';
import { activity } from '../../src/activities/edge.js';
import { AwaitHostsCallSchema, PlanCallSchema } from '../../src/schemas/stage-calls.js';
import { quietWorkers } from '../e2e/support/quiet.js';
import { startTestServer, type TestServer } from '../support/dev-server.js';
import { recordHistory } from '../support/record-history.js';

const BUNDLE = join(resolve(import.meta.dirname, '../..'), 'dist/workflow-bundle.js');
const RUN = 'resumed';

let server: TestServer;
let native: NativeConnection;
let connection: Connection;
beforeAll(async () => {
  quietWorkers();
  server = await startTestServer();
  native = await NativeConnection.connect({ address: server.address });
  connection = await Connection.connect({ address: server.address });
}, 60_000);
afterAll(async () => {
  await connection?.close();
  await native?.close();
  await server?.stop();
}, 60_000);

describe('a blocked run', { timeout: 60_000 }, () => {
  it('takes one correction at a time: a second would undo the first, and resume it again when it blocks', async () => {
    const control = createControlActivities();
    const planned: string[] = [];
    let walks = 0;
    let isHeld = Promise.resolve();
    const worker = await Worker.create({
      connection: native,
      namespace: server.namespace,
      taskQueue: controlQueue('default'),
      workflowBundle: { codePath: BUNDLE },
      activities: {
        ...control,
        planPipeline: activity(PlanCallSchema, async (call) => {
          planned.push(call.specText);
          if (call.set.length > 0) await isHeld;
          return control.planPipeline(call);
        }),
        awaitHosts: activity(AwaitHostsCallSchema, async () => {
          walks += 1;
          throw new TemperError('SourceMissing', { what: `nothing for walk ${walks}` });
        }),
      },
    });
    await worker.runUntil(async () => {
      const client = new Client({ connection, namespace: server.namespace });
      const handle = await client.workflow.start<(input: PipelineInput) => Promise<PipelineResult>>(
        'fineTunePipeline',
        { workflowId: runWorkflowId(RUN), taskQueue: controlQueue('default'), args: [input()] },
      );
      const blockedAfter = (count: number) =>
        expect
          .poll(() => handle.query<RunMemo>('getRun'), { timeout: 20_000 })
          .toMatchObject({ state: 'blocked', reason: expect.stringContaining(`walk ${count}`) });
      const resume = (path: string, value: string) =>
        handle.executeUpdate<ResumeAnswer, [ResumeRequest]>('resumeRun', {
          args: [{ v: 1, set: [{ path, value }], from: null }],
        });
      await blockedAfter(1);

      let release = (): void => undefined;
      isHeld = new Promise((done) => (release = done));
      const first = resume('train.learningRate', '5.0e-4');
      await expect.poll(() => planned.length, { timeout: 20_000 }).toBe(2);
      await expect(resume('train.seed', '99')).rejects.toMatchObject({ cause: { type: 'RunNotBlocked' } });
      release();
      expect(await first).toMatchObject({ resumed: true });
      await blockedAfter(2);

      // Neither a resume nor one that was refused leaves the run closed to the next, which builds on what was taken.
      expect(await resume('train.iterations', '-3')).toMatchObject({ resumed: false });
      expect(await resume('train.seed', '99')).toMatchObject({ resumed: true });
      await blockedAfter(3);
      expect(planned.at(-1)).toContain('learningRate: 5e-4');
      expect(walks).toBe(3);

      // Both in one task of the workflow, as after a time without a control worker.
      const both = await Promise.allSettled([resume('train.seed', '1'), resume('train.seed', '2')]);
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      await blockedAfter(4);
      const history = await handle.fetchHistory();
      await handle.terminate('end of the test');
      await Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history, runWorkflowId(RUN));
    });
  });
});

describe('a run that is asked to pause before its first step', { timeout: 60_000 }, () => {
  it('begins nothing, says so, and what fails after its resume is told as it is', async () => {
    const control = createControlActivities();
    let walks = 0;
    const client = new Client({ connection, namespace: server.namespace });
    const handle = await client.workflow.start<(given: PipelineInput) => Promise<PipelineResult>>('fineTunePipeline', {
      workflowId: runWorkflowId('early'),
      taskQueue: controlQueue('default'),
      args: [{ ...input(), run: 'early' }],
    });
    // No worker is there, so that this comes with the first task.
    const pausing = handle.executeUpdate<PauseAnswer, [{ v: 1; reason: string }]>('pauseRun', {
      args: [{ v: 1, reason: 'too early' }],
    });
    const worker = await Worker.create({
      connection: native,
      namespace: server.namespace,
      taskQueue: controlQueue('default'),
      workflowBundle: { codePath: BUNDLE },
      activities: {
        ...control,
        awaitHosts: activity(AwaitHostsCallSchema, async () => {
          walks += 1;
          throw new TemperError('SourceMissing', { what: `nothing for walk ${walks}` });
        }),
      },
    });
    await worker.runUntil(async () => {
      expect(await pausing).toEqual({ v: 1, paused: true });
      const memo = (): Promise<RunMemo> => handle.query<RunMemo>('getRun');
      expect(await memo()).toMatchObject({ state: 'blocked', code: 'Paused', reason: 'stopped on request: too early' });
      expect(walks).toBe(0);
      await handle.executeUpdate<ResumeAnswer, [ResumeRequest]>('resumeRun', {
        args: [{ v: 1, set: [], from: null }],
      });
      await expect
        .poll(memo, { timeout: 20_000 })
        .toMatchObject({ state: 'blocked', code: 'SourceMissing', reason: 'nothing for walk 1, at early' });
      const history = await handle.fetchHistory();
      await recordHistory(server.address, { workflowId: runWorkflowId('early'), name: 'temper_run_early' });
      await handle.terminate('end of the test');
      await Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history, runWorkflowId('early'));
    });
  });
});

describe('a run whose folder nobody can write', { timeout: 60_000 }, () => {
  const host = { name: 'h1', machineId: 'm', pid: 1, address: '127.0.0.1', labels: [], scratch: '/s', startedAt: '' };
  it.each([
    ['is there, and does not end a call', true, /workers of h1 took a short call and did not end it.*file system/s],
    ['is not there', false, /none of the hosts h1 answers/],
  ])('parks, and says whether the worker %s', async (_what, isThere, reason) => {
    const run = isThere ? 'hung' : 'absent';
    const client = new Client({ connection, namespace: server.namespace });
    const timing = { ...LOCAL_TIMING, callTimeoutMs: 1_000, stopGraceMs: 100, retryInitialMs: 20, retryMaximumMs: 20 };
    const handle = await client.workflow.start<(given: PipelineInput) => Promise<PipelineResult>>('fineTunePipeline', {
      workflowId: runWorkflowId(run),
      taskQueue: controlQueue('default'),
      args: [{ ...input(), run, timing }],
    });
    const control = await Worker.create({
      connection: native,
      namespace: server.namespace,
      taskQueue: controlQueue('default'),
      workflowBundle: { codePath: BUNDLE },
      activities: {
        ...createControlActivities(),
        awaitHosts: activity(AwaitHostsCallSchema, async () => ({ hosts: [{ v: 1, ...host }] })),
      },
    });
    const makeHost = (): Promise<Worker> =>
      Worker.create({
        connection: native,
        namespace: server.namespace,
        taskQueue: hostQueue('default', host.name, 'ctl'),
        activities: { openRun: () => Context.current().cancelled },
      });
    const blocked = (): Promise<void> =>
      expect
        .poll(() => handle.query<RunMemo>('getRun'), { timeout: 20_000 })
        .toMatchObject({
          state: 'blocked',
          code: 'HostUnreachable',
          reason: expect.stringMatching(reason),
        })
        .then(() => handle.query('getProblem'))
        .then((problem) =>
          expect(problem).toMatchObject({ code: 'HostUnreachable', what: expect.stringMatching(/worker|answers/) }),
        );
    // First the host, which has seconds to take a call.
    if (isThere) await (await makeHost()).runUntil(() => control.runUntil(blocked));
    else await control.runUntil(blocked);
    await handle.terminate('end of the test');
  });
});

function input(): PipelineInput {
  const specText = cpuTiny.template.replace(/^workspace: .*$/m, 'workspace: /w');
  return { v: 1, run: RUN, specText, timing: LOCAL_TIMING, from: null, until: null, onFailure: 'park' };
}
