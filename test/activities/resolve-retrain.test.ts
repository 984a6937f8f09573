import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
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

const resolve = (inputs: string, spec = TEMPLATE): Promise<ResolveAnswer> =>
  run(() => resolveRetrain({ v: 1, input: inputOf(inputs, spec), at: '2026-11-23T02:00:00Z' }));

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
