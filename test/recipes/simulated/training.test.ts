import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { makeSite, startGang, type Gang, type Site } from './gang.js';

const PYTHON = resolve(import.meta.dirname, '../../../.temper/venv/bin/python');
/** Starting torch takes seconds, more on a busy machine. */
const TORCH_TIMEOUT_MS = 120_000;

let site: Site;
let gang: Gang;

beforeAll(async () => {
  site = await makeSite();
  gang = await startGang(site, { name: 'whole' });
  expect(await gang.ended).toEqual([0, 0]);
});
afterAll(() => site.remove());

describe('a training of two nodes with two ranks each', () => {
  test('tells every iteration once, on the last rank, with a loss that falls', async () => {
    const iterations = await gang.iterations();
    expect(iterations.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(iterations.map(({ consumedSamples }) => consumedSamples)).toEqual(
      Array.from({ length: 40 }, (_, index) => 16 * (index + 1)),
    );
    const [first, last] = [iterations[0]?.loss ?? 0, iterations.at(-1)?.loss ?? Number.POSITIVE_INFINITY];
    expect(last).toBeLessThan(first / 3);
    for (const rank of [0, 1, 2]) {
      expect((await gang.events(rank)).filter(({ kind }) => kind === 'iteration')).toEqual([]);
    }
  });

  test('tells its milestones on rank 0, in the order in which the real trainer has them', async () => {
    const told = (await gang.events(0)).map((event) => (event.kind === 'phase' ? event.phase : event.kind));
    const distinct = told.filter((one, index) => one !== told[index - 1]);
    const save = ['saving', 'saved'];
    expect(distinct).toEqual([
      'starting',
      'loading',
      'frozen',
      'loading',
      'told',
      'preparing',
      'training',
      ...save,
      ...save,
      ...save,
      ...save,
      'ended',
    ]);
    const saved = (await gang.events(0)).flatMap((event) => (event.kind === 'saved' ? [event.iteration] : []));
    expect(saved).toEqual([10, 20, 30, 40]);
    const out = await gang.log(0, 'out');
    expect(out).toContain('Missing keys: []\nUnexpected keys: []\n');
    expect(out).toMatch(/ loading release checkpoint from .*\n/);
    for (const rank of [0, 1, 2, 3]) expect(await gang.log(rank, 'err')).toBe('');
  });

  test('leaves checkpoints that are complete, and a tracker without a line feed', async () => {
    expect(await readFile(join(gang.save, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('40');
    for (const iteration of [10, 20, 30, 40]) {
      const report = await verifyCheckpoint(join(gang.save, `iter_00000${iteration}`), {
        layout: megatronLayout,
        isDeep: true,
      });
      expect(report).toMatchObject({
        complete: true,
        iteration,
        worldSize: 4,
        hasOptimizer: true,
        problems: [],
        warnings: [],
      });
    }
    const files = await readdir(join(gang.save, 'iter_0000040'));
    expect(files.toSorted()).toEqual(['.metadata', '__0_0.distcp', '__1_0.distcp', '__2_0.distcp', '__3_0.distcp']);
  });

  test('leaves checkpoints that torch itself reads', { timeout: TORCH_TIMEOUT_MS }, async () => {
    const program = `
import json, sys
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict
state = {}
_load_state_dict(state, storage_reader=dcp.FileSystemReader(sys.argv[1]), planner=_EmptyStateDictLoadPlanner(), no_dist=True)
weights = state["model"]["model.lm_head.weight"]
print(json.dumps([state["iteration"], state["args"].consumed_train_samples, list(weights.shape), weights[:2].tolist(),
    state["optimizer"]["state"]["3"]["step"].item(), state["opt_param_scheduler"]["num_steps"]]))`;
    const { stdout } = await promisify(execFile)(PYTHON, [
      '-W',
      'ignore',
      '-c',
      program,
      join(gang.save, 'iter_0000040'),
    ]);
    const [iteration, consumed, shape, weights, step, samples] = JSON.parse(stdout) as [
      number,
      number,
      number[],
      number[],
      number,
      number,
    ];
    expect([iteration, consumed, shape, step, samples]).toEqual([40, 640, [128], 40, 640]);
    const shard = await readFile(join(gang.save, 'iter_0000040/__0_0.distcp'));
    const bytes = Buffer.from(Float32Array.from(weights).buffer);
    expect(weights.every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
    expect(shard.includes(bytes)).toBe(true);
  });

  test('comes to the same weights with all ranks of a node in one process', async () => {
    const shared = await startGang(site, { name: 'shared', launcher: ['--ranks-in-one-process'] });
    expect(await shared.ended).toEqual([0, 0]);
    for (const rank of [1, 2, 3]) expect(await shardOf(shared, rank)).toEqual(await shardOf(gang, rank));
    expect((await shared.iterations()).map(({ loss }) => loss)).toEqual(
      (await gang.iterations()).map(({ loss }) => loss),
    );
    expect((await shared.events(0)).at(-1)).toEqual({ kind: 'ended' });
  });

  test('keeps only the weights when asked, and says so by its entries', async () => {
    const light = await startGang(site, { name: 'light', iterations: 10, args: ['--no-save-optim', '--no-save-rng'] });
    expect(await light.ended).toEqual([0, 0]);
    const folder = join(light.save, 'iter_0000010');
    const report = await verifyCheckpoint(folder, { layout: megatronLayout, isDeep: true });
    expect(report).toMatchObject({ complete: true, hasOptimizer: false });
    expect((await readFile(join(folder, '.metadata'), 'latin1')).includes('rng_state')).toBe(false);
  });

  test('makes shards as large as asked', async () => {
    const large = await startGang(site, { name: 'large', iterations: 5, every: 5, args: ['--shard-kb', '1500'] });
    expect(await large.ended).toEqual([0, 0]);
    const report = await verifyCheckpoint(join(large.save, 'iter_0000005'), { layout: megatronLayout, isDeep: true });
    expect(report).toMatchObject({ complete: true, warnings: [] });
    expect(report.bytes).toBeGreaterThan(4 * 1_500_000);
  });

  test('runs no step when the checkpoint is the last one', async () => {
    const again = await startGang(site, { name: 'again', load: gang.save });
    expect(await again.ended).toEqual([0, 0]);
    expect(await again.iterations()).toEqual([]);
    expect(await again.log(0, 'out')).toContain('at iteration 40\n');
    expect((await again.events(0)).at(-1)).toEqual({ kind: 'ended' });
  });
});

function shardOf({ save }: Gang, rank: number): Promise<Buffer> {
  return readFile(join(save, 'iter_0000040', `__${rank}_0.distcp`));
}
