import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRun } from '../../src/activities/check-sources.js';
import { planReport } from '../../src/activities/plan-report.js';
import { openAttempt } from '../../src/activities/training/open-attempt.js';
import { planFromText } from '../../src/recipes/plan-from-text.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { recipeOf, run, useStageBench } from './support.js';

const bench = useStageBench();

const SAVED_AT_4 = join(READERS, 'dcp/iter_0000004');

function planned(iterations: number, fromCheckpoint: string, source = 'seed:1') {
  const text = cpuTiny.template
    .replace('./workspace', bench.workspace())
    .replace('seed:1', source)
    .replace(/^train:.*$/m, `train:\n  fromCheckpoint: ${fromCheckpoint}`);
  const sets = [
    { path: 'train.iterations', value: String(iterations) },
    { path: 'train.checkpoint.every', value: '1' },
  ];
  const { plan, problems } = planFromText(text, 'r', sets);
  if (plan === null) throw new Error(JSON.stringify(problems));
  return { text: planFromText(text, 'r', sets), plan };
}
const call = (iterations: number, checkpoint: string, source?: string) => {
  const { text, plan } = planned(iterations, checkpoint, source);
  if (text.plan === null) throw new Error('not valid');
  return { v: 1 as const, plan, specText: text.specText, stages: plan.stages.map(({ name }) => name) };
};
const refusal = {
  code: 'ProofFailed',
  retryable: false,
  what: expect.stringContaining('holds iteration 4, and train.iterations is 3'),
  fix: expect.stringContaining('--set train.iterations=N'),
};

describe('the opening of a run', () => {
  it('tells all sources of all stages that cannot be used, and none of stages that do not run', async () => {
    const host = bench.host(cpuTiny);
    const wrong = call(4, '/gone/checkpoint', 'path:/gone/model');
    await expect(openRun(host, wrong)).rejects.toMatchObject({
      problem: {
        code: 'SourceMissing',
        what: expect.stringMatching(/^2 things .*gone\/model.*gone\/checkpoint/),
      },
    });
    await openRun(host, { ...wrong, stages: ['environment'] });
    const { stages: _none, ...older } = wrong;
    await openRun(host, older);
  });

  it('and its plan refuse a checkpoint beyond the end, but not one at the end', async () => {
    const host = { ...bench.host(cpuTiny), programsRoot: join(import.meta.dirname, '../../src/recipes') };
    const { plan, specText, ...rest } = call(3, SAVED_AT_4);
    await expect(openRun(host, { plan, specText, ...rest })).rejects.toMatchObject({ problem: refusal });
    const { problems } = await run(() => planReport(host, specText, plan));
    expect(problems).toContainEqual(expect.objectContaining(refusal));
    await openRun(host, call(4, SAVED_AT_4));
  });
});

const fileAt = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
};
const linkRunsToNothing = (workspace: string): void => {
  mkdirSync(workspace, { recursive: true });
  symlinkSync('nothing', join(workspace, 'runs'));
};

describe('a plan', () => {
  it.each<[string, (workspace: string) => void, RegExp | null]>([
    ['is not there yet', () => undefined, null],
    ['is a file', fileAt, /ws is no folder/],
    ['holds a link to nothing where runs lie', linkRunsToNothing, /runs is no folder/],
    ['would stand in a file', (workspace) => fileAt(dirname(workspace)), /w is no folder/],
  ])('tells of a workspace that %s', async (_what, spoil, why) => {
    const host = { ...bench.host(cpuTiny), programsRoot: join(import.meta.dirname, '../../src/recipes') };
    const { plan, specText } = call(4, SAVED_AT_4);
    const workspace = join(bench.workspace(), 'w/ws');
    mkdirSync(bench.workspace(), { recursive: true });
    spoil(workspace);
    const { problems } = await run(() => planReport(host, specText, { ...plan, workspace }));
    const told = problems.filter(({ code }) => code === 'WorkspaceUnusable');
    expect(told).toMatchObject(why === null ? [] : [{ where: workspace, why: expect.stringMatching(why) }]);
  });
});

describe('an attempt', () => {
  it('does not start from a checkpoint beyond the end', async () => {
    const recipe = recipeOf(() => ({}));
    const stage = await bench.open(recipe, 'r1', { name: 'train' }, (text) =>
      text.replace(`${READERS}/dcp-release`, SAVED_AT_4).replace('iterations: 4', 'iterations: 3'),
    );
    const opening = { ...stage, lease: 1, hosts: [], hostNames: ['h1'] };
    await expect(run(() => openAttempt(bench.host(recipe), opening))).rejects.toMatchObject({ problem: refusal });
  });
});
