import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { getRunStatus } from '../../src/client/run-status.js';
import type { TemperClient } from '../../src/client/connect.js';
import { cancelRun, pauseRun, planFor, resumeRun, startRun, watchRun } from '../../src/client/runs.js';
import { problem } from '../../src/domain/errors.js';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import { RunStatusSchema, type RunMemo } from '../../src/schemas/run.js';
import { fakeServer, type FakeWorkflow } from './fake.js';

const TEXT = cpuTiny.template;
const REQUEST = { specText: TEXT, file: '/specs/tiny.yaml', run: null, isNew: false, from: null, until: null };
const DIGEST = planFor(REQUEST).plan.specDigest;
const RUN = 'temper/run/tiny';

const memo = (over: Partial<RunMemo> = {}): RunMemo => ({
  v: 1,
  state: 'running',
  stage: null,
  reason: null,
  fix: null,
  code: null,
  checkpoint: null,
  ettr: null,
  stages: [],
  ...over,
});
const running = (state: RunMemo['state'] = 'running', digest = DIGEST): FakeWorkflow => ({
  status: 'RUNNING',
  memo: { temper: memo({ state }), temperSpec: digest },
});

describe('a run that is there already', () => {
  it.each([
    { from: 'train', until: null },
    { from: null, until: 'data' },
  ] as const)('does not take %j without a word', async (flags) => {
    const server = fakeServer({ [RUN]: running() });
    await expect(startRun(server.client, { ...REQUEST, ...flags })).rejects.toMatchObject({
      problem: { code: 'RunExists', what: expect.stringContaining('no effect') },
    });
  });

  it.each([
    ['pause', (client: TemperClient) => pauseRun(client, 'tiny', 'test')],
    ['cancel', (client: TemperClient) => cancelRun(client, 'tiny')],
  ] as const)('is told to have ended rather than %sd', async (verb, call) => {
    const server = fakeServer({ [RUN]: { ...running('done'), status: 'COMPLETED' } });
    await expect(call(server.client)).rejects.toMatchObject({
      problem: { code: 'UsageInvalid', what: expect.stringContaining(`nothing to ${verb}`) },
    });
  });
});

describe.each([
  ['pause', 'running', (client: TemperClient) => pauseRun(client, 'tiny', 'test')],
  ['resume', 'blocked', (client: TemperClient) => resumeRun(client, 'tiny', { set: [], from: null })],
] as const)('the request to %s a run', (verb, state, call) => {
  it('is given to a worker', async () => {
    const server = fakeServer({ [RUN]: running(state) });
    await call(server.client);
    expect(server.asked).toMatchObject([{ name: `${verb}Run`, arg: { v: 1 } }]);
  });

  it.each([
    ['not taken', `no control worker took the request to ${verb} run tiny within 20 s`],
    ['taken only', `run tiny took the request to ${verb} it, but did not answer within 50 s`],
  ] as const)('ends within a limit when it is %s', async (update, what) => {
    const server = fakeServer({ [RUN]: { ...running(state), update } });
    await expect(call(server.client)).rejects.toMatchObject({
      problem: { code: 'Unreachable', what, fix: expect.stringContaining('temper status tiny') },
    });
    expect(Math.max(...server.limits)).toBeLessThanOrEqual(60_000);
  });
});

describe('a run that answers that it did not pause', () => {
  it('is asked again', async () => {
    const server = fakeServer({ [RUN]: { ...running(), paused: [false] } });
    await pauseRun(server.client, 'tiny', 'test');
    expect(server.asked.map(({ name }) => name)).toEqual(['pauseRun', 'pauseRun']);
  });

  it('is told to go on when it answers so again', async () => {
    const server = fakeServer({ [RUN]: { ...running(), paused: [false, false] } });
    await expect(pauseRun(server.client, 'tiny', 'test')).rejects.toMatchObject({
      problem: { what: 'run tiny goes on, although it was asked to pause' },
    });
  });
});

describe('a run whose next step nobody takes', () => {
  it.each([
    ['at once', 1_000, 1, null],
    ['though it is tried again and again', 1_000, 3, { code: 'Unreachable' }],
    [
      'for long',
      60_000,
      1,
      {
        code: 'Unreachable',
        where: 'queue temper/lab/control',
        fix: expect.stringContaining('temper worker --role control --fleet lab'),
      },
    ],
  ] as const)('says so when that is so %s', async (_name, ago, attempt, expected) => {
    const task = { sinceMs: Date.now() - ago, attempt };
    const server = fakeServer({ [RUN]: { ...running(), task } });
    const { state, problem } = await getRunStatus(server.client, 'tiny');
    expect(state).toBe('running');
    expect(problem).toEqual(expected === null ? null : expect.objectContaining(expected));
  });

  it('is told of its gang too', async () => {
    const server = fakeServer({
      [RUN]: running(),
      [`${RUN}/train`]: { status: 'RUNNING', task: { sinceMs: Date.now() - 60_000, attempt: 1 } },
    });
    expect((await getRunStatus(server.client, 'tiny')).problem?.what).toContain('no control worker');
  });
});

describe('the plan of a spec file', () => {
  it('takes the name from the spec and paths from the folder of the file', () => {
    const { plan, specText } = planFor(REQUEST);
    expect(plan).toMatchObject({ run: 'tiny', workspace: '/specs/workspace' });
    expect(specText).toContain('workspace: /specs/workspace');
    expect(planFor({ ...REQUEST, run: 'other' }).plan.run).toBe('other');
    expect(planFor({ ...REQUEST, specText: JSON.stringify({ ...json(), name: 'as-json' }) }).plan.run).toBe('as-json');
  });

  it('tells all problems at once, those of corrections too', () => {
    const broken = TEXT.replace('iterations: ', 'iteration: ').replace('seed:1', 'nowhere');
    expect(() => planFor({ ...REQUEST, specText: broken })).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({
          code: 'SpecInvalid',
          where: '/specs/tiny.yaml',
          evidence: expect.arrayContaining([expect.stringContaining('iteration'), expect.stringContaining('nowhere')]),
        }),
      }),
    );
    const sets = [{ path: 'train.iteration', value: '5' }];
    expect(() => planFor({ ...REQUEST, sets })).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ evidence: [expect.stringContaining('train.iteration')] }),
      }),
    );
  });
});

/** A spec as some programs write it. */
function json(): object {
  return {
    apiVersion: 'temper/v1',
    recipe: 'cpu-tiny',
    workspace: '/ws',
    fleet: { hosts: 1, npusPerHost: 1 },
    weights: { source: 'seed:1' },
    data: [{ name: 'a', format: 'synthetic', rows: 16 }],
    train: { iterations: 4, learningRate: 0.1, checkpoint: { every: 2 } },
  };
}

describe('the start of a run', () => {
  it('begins a run with the spec as text, and remembers which spec it was', async () => {
    const { client, started } = fakeServer();
    expect(await startRun(client, { ...REQUEST, from: 'train', until: 'export' })).toMatchObject({
      run: 'tiny',
      started: true,
      status: { state: 'running', fleet: 'lab' },
    });
    expect(started).toMatchObject([
      {
        id: RUN,
        input: { v: 1, run: 'tiny', from: 'train', until: 'export', onFailure: 'park' },
        memo: { temperSpec: DIGEST },
      },
    ]);
  });

  it.each<[string, FakeWorkflow]>([
    ['runs', running()],
    ['is blocked', running('blocked')],
    ['is done', { status: 'COMPLETED', memo: { temperSpec: DIGEST } }],
  ])('answers a run of the same spec that %s', async (_what, workflow) => {
    const { client, started } = fakeServer({ [RUN]: workflow });
    expect(await startRun(client, REQUEST)).toMatchObject({ run: 'tiny', started: false });
    expect(started).toEqual([]);
  });

  it.each<[string, FakeWorkflow, RegExp]>([
    ['runs', running('running', 'other'), /--new/],
    ['is blocked', running('blocked', 'other'), /temper resume tiny --set/],
    ['is done', { status: 'COMPLETED', memo: { temperSpec: 'other' } }, /--new/],
  ])('refuses another spec while one of its name %s, and names the ways on', async (_what, workflow, fix) => {
    const { client } = fakeServer({ [RUN]: workflow });
    await expect(startRun(client, REQUEST)).rejects.toMatchObject({
      problem: { code: 'RunExists', fix: expect.stringMatching(fix) },
    });
  });

  it('tells the corrections that make a blocked run one of the other spec', async () => {
    const { plan, specText } = planFor(REQUEST);
    const input = { v: 1, run: 'tiny', specText, timing: LOCAL_TIMING, from: null, until: null, onFailure: 'park' };
    const { client } = fakeServer({ [RUN]: { ...running('blocked', plan.specDigest), input } });
    const other = { ...REQUEST, specText: TEXT.replace('rows: 1600', 'rows: 800').replace('keep: 3', 'keep: 2') };
    expect(other.specText).not.toBe(TEXT);
    await expect(startRun(client, other)).rejects.toMatchObject({
      problem: {
        code: 'RunExists',
        fix: expect.stringContaining('temper resume tiny --set data.0.rows=800 --set train.checkpoint.keep=2 makes it'),
      },
    });
  });

  it.each(['CANCELLED', 'FAILED', 'TERMINATED', 'TIMED_OUT'])('begins a run anew that is %s', async (status) => {
    const { client } = fakeServer({ [RUN]: { status, memo: { temperSpec: 'other' } } });
    expect(await startRun(client, REQUEST)).toMatchObject({ run: 'tiny', started: true });
  });

  it('takes the next free number for a new one, within the length of a name', async () => {
    const { client } = fakeServer({ [RUN]: running(), 'temper/run/tiny-2': { status: 'FAILED' } });
    expect(await startRun(client, { ...REQUEST, isNew: true })).toMatchObject({ run: 'tiny-3', started: true });
    const long = 'n'.repeat(40);
    const full = fakeServer({ [`temper/run/${long}`]: running() });
    expect((await startRun(full.client, { ...REQUEST, run: long, isNew: true })).run).toBe(`${'n'.repeat(36)}-2`);
  });
});

describe('the status of a run', () => {
  it.each<[string, FakeWorkflow, object]>([
    [
      'that runs',
      {
        ...running(),
        heartbeats: [{ v: 1, stage: 'data', host: 'h1', phase: 'running', later: 1 }, { v: 9 }, 'noise'],
      },
      { state: 'running', progress: [{ stage: 'data' }], closedAt: null },
    ],
    [
      'that is blocked',
      {
        status: 'RUNNING',
        memo: { temper: memo({ state: 'blocked', stage: 'data', reason: 'r', fix: 'f', code: 'CommandFailed' }) },
      },
      { state: 'blocked', stage: 'data', problem: { code: 'CommandFailed', what: 'r', fix: 'f' }, progress: [] },
    ],
    [
      'with a fix of the catalogue',
      { status: 'RUNNING', memo: { temper: memo({ state: 'blocked', reason: 'r', fix: 'then temper resume RUN' }) } },
      { problem: { fix: 'then temper resume tiny' } },
    ],
    ['that is paused on the server', { ...running(), status: 'PAUSED' }, { state: 'running' }],
    ['without a memo', { status: 'RUNNING' }, { state: 'running', stages: [] }],
    [
      'with a memo of a later version',
      { status: 'RUNNING', memo: { temper: { ...memo(), v: 2 } } },
      { state: 'running', stages: [] },
    ],
    ['that timed out', { status: 'TIMED_OUT', failure: new Error('late') }, { state: 'failed' }],
    [
      'that is done',
      { status: 'COMPLETED', result: { v: 1, run: 'tiny', workspace: '/w', exportDir: '/w/e', facts: {}, stages: [] } },
      { state: 'done', result: { exportDir: '/w/e' }, problem: null },
    ],
    [
      'that failed',
      {
        status: 'FAILED',
        failure: new Error('failed', {
          cause: ApplicationFailure.create({
            message: 'm',
            type: 'DiskTooSmall',
            details: [problem('DiskTooSmall', { what: 'full' })],
          }),
        }),
      },
      { state: 'failed', problem: { code: 'DiskTooSmall', what: 'full' } },
    ],
  ])('%s is told by the server alone', async (_what, workflow, expected) => {
    const { client } = fakeServer({ [RUN]: workflow });
    const status = await getRunStatus(client, 'tiny');
    expect(RunStatusSchema.parse(status)).toEqual(status);
    expect(status).toMatchObject(expected);
  });

  it('of a run that is not there is an error', async () => {
    await expect(getRunStatus(fakeServer().client, 'gone')).rejects.toMatchObject({ problem: { code: 'RunNotFound' } });
  });

  it('is watched until the run is blocked or over', async () => {
    const states: string[] = [];
    for await (const { state } of watchRun(fakeServer({ [RUN]: running('blocked') }).client, 'tiny'))
      states.push(state);
    expect(states).toEqual(['blocked']);
  });
});
