import { appendFile, cp, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readChanges } from '../../../src/host/models/changes.js';
import { readPointer } from '../../../src/host/models/pointer.js';
import {
  listModels,
  promote,
  rejectedInputs,
  reportModel,
  rollBack,
  type Promotion,
} from '../../../src/host/models/promote.js';
import { readVersion, removeVersion, retainVersions } from '../../../src/host/models/versions.js';
import { tinySpec } from '../../e2e/support/tiny-spec.js';
import { bundleFixture, runFixture } from '../../support/bundle-fixture.js';
import { writeRun } from '../../../src/host/run/run-folder.js';
import { planFromText } from '../../../src/recipes/plan-from-text.js';
import { finishRun, finishStage } from './support.js';

/** Processes at a time: starting one costs more than what it does. */
const SIDE_BY_SIDE = 4;

let root: string;
let promoter: string;
let workspace: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'temper-models-'));
  promoter = await bundleFixture(new URL('fixtures/promoter.ts', import.meta.url), root);
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  workspace = join(root, `ws-${(count += 1)}`);
  for (const run of ['a', 'b', 'c']) await finishRun(workspace, run);
});

const promotion = (run: string, expected: number | null | undefined, at = workspace): Promotion => ({
  ...{
    workspace: at,
    model: 'numbers',
    run,
    token: expected === undefined ? null : `retrain of ${run}`,
    fingerprint: `inputs of ${run}`,
    startedFrom: null,
    metrics: null,
  },
  ...{ by: 'test', why: 'it is better', ...(expected === undefined ? {} : { expected }) },
});

describe('promotion', () => {
  it('points at the model that is compared with by the next one', async () => {
    expect(await promote(promotion('a', null))).toMatchObject({ isPromoted: true, version: { version: 1 } });
    expect(await promote(promotion('b', 1))).toMatchObject({ isPromoted: true, version: { version: 2 } });
    const report = await reportModel(workspace, 'numbers');
    expect(report).toMatchObject({ current: 2, path: join(workspace, 'models/numbers/current/hf') });
    expect(await readFile(join(report.path, 'model.safetensors'), 'utf8')).toBe('model of b');
    expect(await readlink(join(workspace, 'models/numbers/current'))).toBe('versions/0002');
  });

  it('is refused when another model became current meanwhile', async () => {
    await promote(promotion('a', null));
    expect(await promote(promotion('b', null))).toMatchObject({ isPromoted: false });
    expect(await readPointer(workspace, 'numbers')).toBe(1);
  });

  it('answers a repeated call of the same run as the first time, also after a rollback', async () => {
    await promote(promotion('a', null));
    await promote(promotion('b', 1));
    await rollBack(workspace, 'numbers', { to: null, by: 'ada', why: 'it rhymes' });
    expect(await promote(promotion('b', 1))).toMatchObject({ isPromoted: true, version: { version: 2 } });
    expect(await readPointer(workspace, 'numbers')).toBe(1);
  });

  it('of a run that is retrained later decides anew, also when it made an earlier model again', async () => {
    await promote(promotion('a', null));
    await promote(promotion('b', 1));
    expect(await promote({ ...promotion('a', 2), token: 'another retrain' })).toMatchObject({
      version: { version: 1 },
    });
    expect(await readPointer(workspace, 'numbers')).toBe(1);
    expect(await promote({ ...promotion('a', 1), token: 'a third one' })).toMatchObject({ version: { version: 1 } });
    expect(await readChanges(workspace, 'numbers')).toHaveLength(3);
  });

  it('is decided once by many that compared with the same model', async () => {
    await promote(promotion('a', null));
    const outcomes = await Promise.all(['b', 'c', 'b', 'c'].map((run) => promote(promotion(run, 1))));
    const winner = await readPointer(workspace, 'numbers');
    const winners = outcomes.filter((one) => one.isPromoted);
    expect(winners).toHaveLength(2);
    expect(new Set(winners.map((one) => (one.isPromoted ? one.version.version : 0)))).toEqual(new Set([winner]));
    expect(await readChanges(workspace, 'numbers')).toHaveLength(2);
  });

  it('refuses trials, unverified runs, and models that were changed since they were proven', async () => {
    const trial = tinySpec({ name: 't', workspace, iterations: 20 }).replace(
      /- \{ name: shapes.*\}/,
      '- { name: rows, format: llava, annotations: /r.json, maxSamples: 20 }',
    );
    await finishRun(workspace, 't', trial);
    await expect(promote(promotion('t', undefined))).rejects.toThrow('is a trial and never promoted');
    await rm(join(workspace, 'runs/a/stages/verify'), { recursive: true });
    await expect(promote(promotion('a', undefined))).rejects.toThrow('was not verified');
    await appendFile(join(workspace, 'store/export/key-b/out-0001/hf/model.safetensors'), '!');
    await expect(promote(promotion('b', undefined))).rejects.toThrow('is not as it was proven');
    await rm(join(workspace, 'store/export/key-c'), { recursive: true });
    await expect(promote(promotion('c', undefined))).rejects.toThrow('has no exported model');
    await expect(promote(promotion('nobody', undefined))).rejects.toThrow('has no run nobody');
    await expect(reportModel(workspace, 'numbers')).rejects.toThrow('no model numbers');
  });
});

describe('a run that is begun again under its name', () => {
  it('is not promoted by what it did before: a trial is one, and another export was not verified', async () => {
    const { plan } = planFromText(tinySpec({ name: 'a', workspace, iterations: 21 }), 'a', []);
    if (plan === null) throw new Error('no plan');
    await writeRun(plan, tinySpec({ name: 'a', workspace, iterations: 21 }));
    await expect(promote(promotion('a', undefined))).rejects.toThrow('was not verified');
    await finishStage(workspace, 'a', 'verify', 'again', 'verified');
    await expect(promote(promotion('a', undefined))).rejects.toThrow('has no exported model');
    await finishStage(workspace, 'b', 'export', 'another', 'another model');
    await expect(promote(promotion('b', undefined))).rejects.toThrow('was not verified');
  });
});

describe('a rollback', () => {
  it('goes back one model at a time, or to the named one, and rejects the inputs of the one it left', async () => {
    for (const [index, run] of ['a', 'b', 'c'].entries()) await promote(promotion(run, index === 0 ? null : index));
    const back = (to: number | null) => rollBack(workspace, 'numbers', { to, by: 'ada', why: 'it rhymes' });
    expect(await back(null)).toMatchObject({ from: 3, to: 2, run: 'b' });
    expect(rejectedInputs(await readChanges(workspace, 'numbers'))).toEqual(new Map([['inputs of c', 3]]));
    expect(await back(null)).toMatchObject({ from: 2, to: 1, run: 'a' });
    await expect(back(null)).rejects.toThrow('there is no model before 1');
    expect(await back(3)).toMatchObject({ from: 1, to: 3 });
    expect(rejectedInputs(await readChanges(workspace, 'numbers'))).toEqual(
      new Map([
        ['inputs of b', 2],
        ['inputs of a', 1],
      ]),
    );
    await expect(back(9)).rejects.toThrow('has no model 9 any more');
  });
});

describe('retention of models', () => {
  it('keeps those that were current last, the current one always, and never uses a number again', async () => {
    for (const [index, run] of ['a', 'b', 'c'].entries()) await promote(promotion(run, index === 0 ? null : index));
    await rollBack(workspace, 'numbers', { to: 1, by: 'ada', why: 'old is good' });
    expect(await retainVersions(workspace, 'numbers', { keep: 2, spare: [] })).toEqual([2]);
    expect((await reportModel(workspace, 'numbers')).versions.map(({ version }) => version)).toEqual([3, 1]);
    await finishRun(workspace, 'd');
    expect(await promote(promotion('d', 1))).toMatchObject({ version: { version: 4 } });
    await expect(rollBack(workspace, 'numbers', { to: 2, by: 'ada', why: '' })).rejects.toThrow(
      'choose one of 1, 3, 4',
    );
  });

  it('spares the model that a person goes back to while it is about to go', async () => {
    for (const [index, run] of ['a', 'b', 'c'].entries()) await promote(promotion(run, index === 0 ? null : index));
    await rollBack(workspace, 'numbers', { to: 1, by: 'ada', why: 'old is good' });
    expect(await removeVersion(workspace, 'numbers', 1)).toBe(false);
    expect(await readVersion(workspace, 'numbers', 1)).toMatchObject({ run: 'a' });
    expect(await readFile(join(workspace, 'models/numbers/current/hf/model.safetensors'), 'utf8')).toBe('model of a');
    expect(await retainVersions(workspace, 'numbers', { keep: 1, spare: [] })).toEqual([2, 3]);
  });

  it('and decisions at the same moment leave a current model with its files', async () => {
    await promote(promotion('a', null));
    await promote(promotion('b', 1));
    for (let round = 0; round < 20; round += 1) {
      const [, back] = await Promise.allSettled([
        retainVersions(workspace, 'numbers', { keep: 1, spare: [] }),
        rollBack(workspace, 'numbers', { to: null, by: 'ada', why: 'it rhymes' }),
      ]);
      const { current } = await reportModel(workspace, 'numbers');
      expect(current).toBe(back?.status === 'fulfilled' ? 1 : 2);
      const file = join(workspace, 'models/numbers/current/hf/model.safetensors');
      expect(await readFile(file, 'utf8')).toBe(current === 1 ? 'model of a' : 'model of b');
      await promote(promotion('a', undefined));
      await promote(promotion('b', undefined));
      if (current !== 1) break;
    }
  });

  it('fails rather than takes a folder that cannot be read for an empty one', async () => {
    await promote(promotion('a', null));
    await writeFile(join(workspace, 'models/notes.txt'), 'a stray file is no model');
    expect(await listModels(workspace)).toEqual(['numbers']);
    await rm(join(workspace, 'models/numbers/versions'), { recursive: true });
    await writeFile(join(workspace, 'models/numbers/versions'), '');
    await expect(retainVersions(workspace, 'numbers', { keep: 1, spare: [] })).rejects.toMatchObject({
      code: 'ENOTDIR',
    });
    await rm(join(workspace, 'models'), { recursive: true });
    await writeFile(join(workspace, 'models'), '');
    await expect(listModels(workspace)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('kill -9 in front of any step', { timeout: 120_000 }, () => {
  /** Runs `action` with a kill at each of its steps, each time in a fresh copy; `check` looks at what was left. */
  async function atEachStep(args: readonly string[], check: (at: string) => Promise<void>): Promise<void> {
    const whole = await runFixture(promoter, [await copy('whole'), ...args, '0']);
    const { steps } = JSON.parse(whole ?? '{}') as { steps: number };
    expect(steps).toBeGreaterThan(10);
    const kills = Array.from({ length: steps }, (_, index) => index + 1);
    for (let done = 0; done < steps; done += SIDE_BY_SIDE) {
      await Promise.all(
        kills.slice(done, done + SIDE_BY_SIDE).map(async (killAt) => {
          const at = await copy(`killed-${killAt}`);
          expect(await runFixture(promoter, [at, ...args, String(killAt)]), `step ${killAt}`).toBeNull();
          await check(at);
        }),
      );
    }
  }

  async function copy(name: string): Promise<string> {
    const target = join(root, `${name}-${(count += 1)}`);
    await cp(workspace, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    return target;
  }

  /** What anyone may find at any time: a whole model behind the pointer, and a history that tells of nothing else. */
  async function expectWhole(at: string, models: readonly (number | null)[]): Promise<void> {
    const pointer = await readPointer(at, 'numbers');
    expect(models).toContain(pointer);
    if (pointer !== null)
      expect(await readFile(join(at, 'models/numbers/current/hf/model.safetensors'), 'utf8')).toMatch(
        /^model of [ab]$/,
      );
    const text = await readFile(join(at, 'models/numbers/history.jsonl'), 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line !== '');
    const told = lines.map((line) => (JSON.parse(line) as { to: number }).to).at(-1) ?? null;
    // The pointer is moved before the history tells of it, so a history is never ahead of it.
    expect([pointer, ...models]).toContain(told);
    if (told === 2) expect(pointer).toBe(2);
  }

  it('of the first promotion leaves no model or that one', async () => {
    await atEachStep(['promote', 'a', 'none', ''], async (at) => {
      await expectWhole(at, [null, 1]);
      expect(await promote(promotion('a', null, at))).toMatchObject({ isPromoted: true, version: { version: 1 } });
      expect(await readPointer(at, 'numbers')).toBe(1);
      expect(await readChanges(at, 'numbers')).toHaveLength(1);
    });
  });

  it('of a later one leaves the old model or the new one, and the next reader finds them in agreement', async () => {
    await promote(promotion('a', null));
    await atEachStep(['promote', 'b', '1', '1'], async (at) => {
      await expectWhole(at, [1, 2]);
      const report = await reportModel(at, 'numbers');
      expect(report.history[0]?.to).toBe(report.current);
      expect(await readPointer(at, 'numbers')).toBe(report.current);
      expect(await promote(promotion('b', 1, at))).toMatchObject({ isPromoted: true, version: { version: 2 } });
      const after = await reportModel(at, 'numbers');
      expect(after.history.map(({ to }) => to)).toEqual([2, 1]);
      const text = await readFile(join(at, 'models/numbers/history.jsonl'), 'utf8');
      expect(
        text
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { to: number }).to),
      ).toEqual([1, 2]);
    });
  });

  it('of a rollback leaves one of the two', async () => {
    await promote(promotion('a', null));
    await promote(promotion('b', 1));
    await atEachStep(['rollback', '', '', ''], async (at) => {
      const pointer = await readPointer(at, 'numbers');
      expect([1, 2]).toContain(pointer);
      const report = await reportModel(at, 'numbers');
      expect(report.history[0]?.to).toBe(report.current);
    });
  });

  it('and what it leaves behind is swept when it is old', async () => {
    await promote(promotion('a', null));
    const dir = join(workspace, 'models/numbers');
    await writeFile(join(dir, 'changes/x.new'), '');
    const { utimes } = await import('node:fs/promises');
    await utimes(join(dir, 'changes/x.new'), 0, 0);
    await reportModel(workspace, 'numbers');
    expect(await readdir(join(dir, 'changes'))).toEqual(['000001.json']);
    expect(await realpath(join(dir, 'current'))).toBe(join(dir, 'versions/0001'));
  });
});
