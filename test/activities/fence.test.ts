import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keeperOf } from '../../src/activities/keeper-of.js';
import { openAttempt } from '../../src/activities/training/open-attempt.js';
import { supervise } from '../../src/activities/training/supervise.js';
import { trainNode } from '../../src/activities/training/train-node.js';
import { fenceFile, raiseFence, readFence } from '../../src/host/fence/workspace-fence.js';
import { raiseHostFence } from '../../src/host/fence/host-fence.js';
import { findKeeper } from '../../src/host/keeper/client.js';
import { keeperPaths } from '../../src/host/keeper/paths.js';
import type { Recipe } from '../../src/recipes/recipe.js';
import type { TrainCall } from '../../src/schemas/stage-calls.js';
import { isAlive, printedNumbers, sh, until } from '../host/keeper/helpers.js';
import { recipeOf, run, start, step, useStageBench } from './support.js';

const bench = useStageBench();
const HOST = {
  v: 1 as const,
  name: 'h1',
  machineId: 'm',
  pid: 1,
  address: '127.0.0.1',
  labels: [],
  scratch: '/',
  startedAt: '',
};

/** A recipe whose training runs a shell line. */
function recipeTraining(line: string): Recipe {
  const fake = recipeOf(() => ({}));
  const launch = () => ({ step: 'h00', argv: [...sh(line)], cwd: '/', env: {} });
  return { ...fake, training: { ...fake.training, launch } };
}

async function open(recipe: Recipe, lease: number) {
  const host = bench.host(recipe);
  const call = await bench.open(recipe, 'r1', { name: 'train' });
  const attempt = await run(() => openAttempt(host, { ...call, lease, hosts: [HOST] }));
  const train: TrainCall = { ...call, attempt, lease, nodeRank: 0, nodeCount: 1 };
  const id = keeperOf(call, 'h00', attempt.attempt);
  return { host, call, train, id, keeper: () => findKeeper(bench.scratch(), id) };
}

const codeOf = (result: Promise<unknown>) =>
  result.then(
    () => null,
    (error: { problem?: { code: string } }) => error.problem?.code ?? error,
  );

describe('opening an attempt', () => {
  it('raises the fence of the run to it', async () => {
    const recipe = recipeTraining('exit 0');
    await open(recipe, 4);
    await open(recipe, 4);
    const standing = await readFence(fenceFile(bench.workspace(), 'r1'));
    expect(standing).toMatchObject({ v: 1, run: 'r1', attempt: 2, lease: 4 });
    expect(readdirSync(join(bench.workspace(), 'runs/r1/attempts')).sort()).toEqual([
      '0001',
      '0002',
      'fence',
      'fence.raise',
    ]);
  });

  it('fails when a newer one was opened at the same time', async () => {
    const recipe = recipeTraining('exit 0');
    const { host, call } = await open(recipe, 1);
    // As if another had taken the next number and raised the fence first.
    await raiseFence(bench.workspace(), { v: 1, run: 'r1', attempt: 9, lease: 1, at: new Date().toISOString() });
    expect(await codeOf(run(() => openAttempt(host, { ...call, lease: 1, hosts: [HOST] })))).toBe('FencedOff');
  });
});

describe('a node of an attempt', () => {
  it('tells its keeper about the fence, and is ended by a newer attempt', async () => {
    const recipe = recipeTraining('sleep 600 & echo $!; wait');
    const first = await open(recipe, 1);
    const training = start(() => trainNode(first.host, first.train));
    await until(() => first.keeper() !== null);
    expect(first.keeper()?.request()?.fence).toEqual({
      file: fenceFile(bench.workspace(), 'r1'),
      attempt: 1,
      lease: 1,
      everyMs: 500,
      timeoutMs: 22_500,
    });
    const paths = keeperPaths(join(bench.scratch(), 'keepers', first.id));
    const [rank = 0] = await printedNumbers(paths.stdout, 1);
    await open(recipe, 1);
    expect(await codeOf(training.result)).toBe('FencedOff');
    expect(isAlive(rank)).toBe(false);
  });

  it('ends the older attempt on its host before it starts', async () => {
    const first = await open(recipeTraining('echo $$; exec sleep 600'), 1);
    const training = start(() => trainNode(first.host, first.train));
    await until(() => first.keeper() !== null);
    const stdout = keeperPaths(join(bench.scratch(), 'keepers', first.id)).stdout;
    const [rank = 0] = await printedNumbers(stdout, 1);
    const seen = join(bench.scratch(), 'seen');
    const second = await open(recipeTraining(`kill -0 ${rank}; echo $? > ${seen}; exit 3`), 2);
    expect(await codeOf(run(() => trainNode(second.host, second.train)))).toBe('CommandFailed');
    // Status 1 of kill: no such process.
    expect(readFileSync(seen, 'utf8')).toBe('1\n');
    expect(await codeOf(training.result)).toBe('FencedOff');
  });

  it('is stopped when its workspace is gone for too long, and tells so', async () => {
    const { host, train, id } = await open(recipeTraining('echo $$; exec sleep 600'), 1);
    const timing = { ...train.timing, fenceTimeoutMs: 1_000 };
    const training = start(() => trainNode(host, { ...train, timing }));
    const [rank = 0] = await printedNumbers(keeperPaths(join(bench.scratch(), 'keepers', id)).stdout, 1);
    rmSync(join(bench.workspace(), 'runs/r1/attempts/0001'), { recursive: true });
    await expect(training.result).rejects.toMatchObject({
      problem: { code: 'CommandStopped', what: 'h00 was stopped: workspace-lost' },
    });
    expect(isAlive(rank)).toBe(false);
  });

  it('is not started on a host that has seen a newer attempt', async () => {
    const { host, train, keeper } = await open(recipeTraining('exit 0'), 1);
    await raiseHostFence(bench.scratch(), { run: 'other', attempt: 1, lease: 2 });
    expect(await codeOf(run(() => trainNode(host, train)))).toBe('FencedOff');
    expect(keeper()).toBeNull();
  });
});

describe('a command of which processes survive SIGKILL', () => {
  it('makes its host unkillable, whatever its exit code', async () => {
    const recipe = recipeOf(() => ({}));
    const call = await bench.open(recipe);
    const id = keeperOf(call, 'make', 1);
    const paths = keeperPaths(join(bench.scratch(), 'keepers', id));
    mkdirSync(dirname(paths.exit), { recursive: true });
    const at = new Date().toISOString();
    const exit = { v: 1, id, code: 0, signal: null, startedAt: at, endedAt: at, stop: null, spawnError: null };
    // No process has this number: Linux counts to 4194304.
    writeFileSync(paths.exit, JSON.stringify({ ...exit, unkillable: [4_194_305] }));
    const command = step({ out: '/' }, 'exit 0');
    const supervised = run(() =>
      supervise({ host: bench.host(recipe), call, command, number: 1, progress: async () => ({}) }),
    );
    await expect(supervised).rejects.toMatchObject({
      problem: {
        code: 'HostUnkillable',
        where: 'h1',
        what: 'a process survives SIGKILL on h1: 4194305',
        retryable: false,
        evidence: ['pid 4194305: state gone'],
      },
    });
  });
});
