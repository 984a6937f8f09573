import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/client/checkpoints.js';
import { planOnHost } from '../../src/client/plans.js';
import { startRun } from '../../src/client/runs.js';
import { applySets } from '../../src/domain/spec/edit-spec.js';
import { compareModels } from '../../src/host/safetensors/compare.js';
import type { RunStatus } from '../../src/schemas/run.js';
import { startDev, type Dev } from './support/dev.js';
import { replayHistories } from './support/histories.js';
import { exportDir, follow, keptCommands } from './support/runs.js';

const EXAMPLE = resolve(import.meta.dirname, '../../examples/tiny.yaml');

/** The example that `npm start` runs, on a fresh workspace. */
describe('examples/tiny.yaml', { timeout: 300_000 }, () => {
  let dev: Dev;
  let workspace: string;
  let specText: string;
  let first: RunStatus;

  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
    specText = applySets(await readFile(EXAMPLE, 'utf8'), [{ path: 'workspace', value: workspace }]).text;
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  const begin = async (isNew: boolean): Promise<RunStatus> => {
    const { run } = await startRun(dev.client, { specText, file: EXAMPLE, run: null, isNew, from: null, until: null });
    return follow(dev.client, run);
  };

  it('runs every stage and learns what it was shown', async () => {
    first = await begin(false);
    expect(first.state, JSON.stringify(first.problem)).toBe('done');
    expect(first.stages.map(({ state }) => state)).toEqual(Array(7).fill('done'));
    const { train, verify } = first.result?.facts ?? {};
    expect(Number(train?.['lastLoss'])).toBeLessThan(Number(train?.['firstLoss']) / 3);
    expect(verify).toMatchObject({ questions: 50 });
    expect(verify?.['accuracyAfter']).toBeGreaterThanOrEqual(0.95);
    expect(verify?.['accuracyBlankImages']).toBeLessThanOrEqual(0.4);
    expect(verify?.['accuracySwappedImages']).toBeLessThanOrEqual(0.4);
  });

  it('trains within a minute on two cores, start-up and the proof of its last checkpoint included', () => {
    expect(first.stages.find(({ name }) => name === 'train')?.durationMs).toBeLessThan(60_000);
  });

  it('draws the curve of its loss, which shows other hosts that it steps', async () => {
    const attempt = join(workspace, 'runs', first.run, 'attempts/0001');
    const { iterations } = first.result?.facts['train'] ?? {};
    const files = (await readdir(attempt, { recursive: true })).filter((name) => name.endsWith('curves/loss.tsv'));
    expect(files).toHaveLength(1);
    const points = (await readFile(join(attempt, files[0] ?? ''), 'utf8')).trim().split('\n');
    expect(points.map((point) => Number(point.split('\t')[0]))).toEqual(
      Array.from({ length: Number(iterations) }, (_, index) => index + 1),
    );
  });

  it('saves checkpoints as large as the plan says', async () => {
    const { checkpoints } = await listCheckpoints(dev.client, first.run);
    const { checkpoint } = await planOnHost(dev.client, { specText, file: EXAMPLE, run: first.run });
    const saved = checkpoints.find(({ state }) => state === 'proven')?.bytes ?? 0;
    // Names and pickles come on top of the numbers.
    const share = saved / (checkpoint?.bytesPerSave ?? 1);
    expect(share).toBeGreaterThan(1);
    expect(share).toBeLessThan(1.5);
  });

  it('answers each kind of question', async () => {
    const file = join(workspace, 'runs', first.run, 'stages/verify/out/after.normal.json');
    const answers = JSON.parse(await readFile(file, 'utf8')) as {
      byKind: Record<string, { total: number; correct: number }>;
    };
    const kinds = Object.entries(answers.byKind);
    expect(kinds.length).toBeGreaterThanOrEqual(3);
    for (const [kind, { total, correct }] of kinds) expect(correct / total, kind).toBeGreaterThanOrEqual(0.85);
  });

  it('exports a model that matches the original in names, shapes and dtypes', async () => {
    const original = join(workspace, 'runs', first.run, 'stages/weights/out/hf');
    const report = await compareModels(original, exportDir(workspace, first.run), { dtype: 'bf16', isDeep: true });
    expect(report.problems).toEqual([]);
    expect(report.tensors).toBeGreaterThan(50);
  });

  it('answers a repeated start with the finished run', async () => {
    const again = await startRun(dev.client, {
      specText,
      file: EXAMPLE,
      run: null,
      isNew: false,
      from: null,
      until: null,
    });
    expect(again).toMatchObject({ run: first.run, started: false, status: { state: 'done' } });
  });

  it('reuses every stage in a new run, running no command but the probe of the environment', async () => {
    const second = await begin(true);
    expect(second.run).toBe(`${first.run}-2`);
    expect(second.state, JSON.stringify(second.problem)).toBe('done');
    expect(second.stages.map(({ state }) => state)).toEqual(Array(7).fill('reused'));
    expect(second.result?.facts['train']).toEqual(first.result?.facts['train']);
    const commands = (await keptCommands(dev, second.run)).filter(({ id }) => id.startsWith(`${second.run}.`));
    expect(
      commands.every(({ id }) => id.includes('.environment.probe.')),
      JSON.stringify(commands),
    ).toBe(true);
    expect((await stat(exportDir(workspace, second.run))).isDirectory()).toBe(true);
  });

  it('refuses a changed spec under the name of a finished run', async () => {
    const changed = applySets(specText, [{ path: 'train.iterations', value: '301' }]).text;
    const start = startRun(dev.client, {
      specText: changed,
      file: EXAMPLE,
      run: null,
      isNew: false,
      from: null,
      until: null,
    });
    await expect(start).rejects.toMatchObject({ problem: { code: 'RunExists' } });
    expect(existsSync(join(workspace, 'runs', `${first.run}-3`))).toBe(false);
  });

  it('replays', async () => {
    await replayHistories(dev.client, [first.run, `${first.run}-2`]);
  });
});
