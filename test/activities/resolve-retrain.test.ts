import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '@temporalio/client';
import { resolveRetrain } from '../../src/activities/retrain/resolve-retrain.js';
import { makeRetrainInput } from '../../src/client/schedules/make-input.js';
import { readRetrain } from '../../src/domain/retrain/read-retrain.js';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import { promote, rollBack } from '../../src/host/models/promote.js';
import { TEMPLATE } from '../../src/recipes/mindspeed-mm/template.js';
import type { ResolveAnswer } from '../../src/schemas/retrain.js';
import { finishRun } from '../host/models/support.js';
import { run } from './support.js';

const MONDAY = '1'.repeat(40);
const TUESDAY = '2'.repeat(40);

/** Commits by the path that asks for them; a hub that names branches and nothing else. */
const commits = new Map<string, string>();
let hub: Server;
let workspace = '';

beforeAll(async () => {
  hub = createServer((request, response) => {
    const sha = commits.get(request.url ?? '');
    response.statusCode = sha === undefined ? 404 : 200;
    response.end(JSON.stringify({ sha }));
  });
  await new Promise<void>((done) => hub.listen(0, '127.0.0.1', done));
});
afterAll(() => hub.close());
beforeEach(() => {
  const address = hub.address();
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  vi.stubEnv('TEMPER_OFFLINE', undefined);
  commits.clear();
  commits.set('/api/models/zai-org/GLM-4.5V/revision/main', MONDAY);
  commits.set('/api/datasets/liuhaotian/LLaVA-Instruct-150K/revision/main', MONDAY);
  workspace = mkdtempSync(join(tmpdir(), 'temper-resolve-'));
  schedule = { paused: false };
  retrains = {};
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(workspace, { recursive: true, force: true });
});

const SCHEDULE = `apiVersion: temper/v1
kind: Retrain
name: nightly
model: glm
spec: ./spec.yaml
schedule: { every: 1h }
evaluation: { command: [measure] }
`;

function inputOf(inputs: string, spec = TEMPLATE) {
  const file = readRetrain(`${SCHEDULE}${inputs}\n`, 'f');
  if (file.retrain === null) throw new Error(JSON.stringify(file.problems));
  const specText = spec.replace('./workspace', workspace);
  return makeRetrainInput({ file, specText, specFile: '/spec.yaml' }, LOCAL_TIMING, '2026-11-23T02:00:00Z');
}

const AT = '2026-11-23T02:00:00Z';
/** What the server knows: the schedule, and the memos of its retrains by workflow. */
let schedule: { paused: boolean; note?: string } | null = { paused: false };
let retrains: Record<string, object> = {};
const server = {
  withAbortSignal: (_signal: AbortSignal, work: () => Promise<unknown>) => work(),
  schedule: {
    getHandle: () => ({
      describe: async () => {
        if (schedule === null) throw Object.assign(new Error('gone'), { name: 'ScheduleNotFoundError' });
        const recentActions = Object.keys(retrains).map((workflowId) => ({ action: { workflow: { workflowId } } }));
        return { state: schedule, info: { recentActions } };
      },
    }),
  },
  workflow: {
    getHandle: (workflowId: string) => ({ describe: async () => ({ memo: { temperRetrain: retrains[workflowId] } }) }),
  },
  // Safe: the activity uses these members of a client only.
} as unknown as Client;

const resolve = (inputs: string, spec = TEMPLATE, startedAt = AT): Promise<ResolveAnswer> =>
  run(() => resolveRetrain({ v: 1, input: inputOf(inputs, spec), at: AT, startedAt }), server);

/** Lets a model that was trained on these inputs be the promoted one. */
async function promoteAs(name: string, fingerprint: string, expected: number | null): Promise<void> {
  await finishRun(workspace, name);
  const why = { by: 'test', why: 'good', startedFrom: null, metrics: null };
  await promote({ workspace, model: 'glm', run: name, token: name, expected, fingerprint, ...why });
}

describe('a hub input of a retrain', () => {
  it.each([
    ['weights', '/api/models/zai-org/GLM-4.5V/revision/main', 'revision: '],
    [
      'llava',
      '/api/datasets/liuhaotian/LLaVA-Instruct-150K/revision/main',
      'hf-dataset:liuhaotian/LLaVA-Instruct-150K@',
    ],
  ])('%s is the commit of the day: the same is skipped, another one is trained on', async (name, path, before) => {
    const inputs = `inputs: [{ hub: ${name} }]`;
    const first = await resolve(inputs);
    expect(first).toMatchObject({ skip: null, promoted: null });
    expect(first.specText).toMatch(new RegExp(`${before}["']?${MONDAY}`));
    await promoteAs('a', first.fingerprint, null);
    expect(await resolve(inputs)).toMatchObject({ skip: 'the inputs are those of the promoted model 1', promoted: 1 });

    commits.set(path, TUESDAY);
    const second = await resolve(inputs);
    expect(second).toMatchObject({ skip: null, promoted: 1 });
    expect(second.specText).toContain(TUESDAY);
    expect(second.specText).not.toContain(MONDAY);
    await promoteAs('b', second.fingerprint, 1);
    expect((await resolve(inputs)).skip).toBe('the inputs are those of the promoted model 2');

    await rollBack(workspace, 'glm', { to: null, by: 'ada', why: 'it rhymes' });
    expect((await resolve(inputs)).skip).toBe('the inputs are those of model 2, which was rolled back');
  });

  it.each([
    ['weights', TEMPLATE.replace('hf:zai-org/GLM-4.5V', 'modelscope:ZhipuAI/GLM-4.5V'), 'only hf: and hf-dataset:'],
    ['nobody', TEMPLATE, 'the spec has no data set nobody'],
    ['llava', TEMPLATE.replace(/hf-dataset:\S+/, '/rows.json'), 'data set llava reads nothing from a hub'],
    ['llava', TEMPLATE.replace('hf-dataset:', 'modelscope-dataset:'), 'only hf: and hf-dataset:'],
  ])('%s is refused when the schedule is applied and nothing can be looked up', (name, spec, what) => {
    expect(() => inputOf(`inputs: [{ hub: ${name} }]`, spec)).toThrow(what);
  });

  it('fails the retrain when the hub does not know the revision', async () => {
    commits.clear();
    await expect(resolve('inputs: [{ hub: weights }]')).rejects.toThrow(/404|no such|not there|does not/i);
  });
});

describe('a start that waited for others', () => {
  const LATE = '2026-11-23T02:05:00Z';
  const inputs = 'inputs: [{ hub: weights }]';

  it.each([
    ['is skipped when its schedule was paused meanwhile', { paused: true, note: 'bad data' }, LATE, /paused.*bad data/],
    ['goes on when it is not', { paused: false }, LATE, null],
    ['goes on when the schedule was deleted, as it would under way', null, LATE, null],
    ['has not waited when it was started by hand, also of a paused schedule', { paused: true }, AT, null],
  ])('%s', async (_what, state, startedAt, skip) => {
    schedule = state;
    const answer = await resolve(inputs, TEMPLATE, startedAt);
    if (skip === null) expect(answer.skip).toBeNull();
    else expect(answer.skip).toMatch(skip);
    expect(existsSync(join(workspace, 'models'))).toBe(skip === null);
  });
});

describe('a workspace without history', () => {
  const inputs = 'inputs: [{ hub: weights }]';
  const memo = (over: object = {}): object => ({
    ...{ v: 1, state: 'promoted', phase: 'done', run: null, reason: null, model: 'glm', workspace },
    ...over,
  });

  it('is refused when a retrain of the schedule promoted a model there, and nothing is written', async () => {
    retrains = { 'temper/retrain/a': memo({ state: 'skipped' }), 'temper/retrain/b': memo() };
    rmSync(workspace, { recursive: true });
    await expect(resolve(inputs)).rejects.toMatchObject({
      problem: {
        code: 'WorkspaceUnusable',
        where: workspace,
        what: expect.stringContaining('temper/retrain/b promoted a model here'),
        fix: expect.stringContaining('temper schedule delete nightly'),
      },
    });
    expect(existsSync(workspace)).toBe(false);
  });

  it.each([
    ['none was promoted', () => memo({ state: 'refused' })],
    ['it was another model', () => memo({ model: 'other' })],
    ['it was another workspace', () => memo({ workspace: '/elsewhere' })],
    ['nobody knows', () => ({})],
  ])('is the beginning where %s', async (_what, told) => {
    retrains = { 'temper/retrain/a': told() };
    expect(await resolve(inputs)).toMatchObject({ skip: null, promoted: null });
  });
});
