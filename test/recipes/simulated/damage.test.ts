import { copyFile, cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { makeLoadView } from '../../../src/host/run/attempts.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { parseTracebacks } from '../../../src/recipes/megatron/failures.js';
import { simulated } from '../../../src/recipes/simulated/recipe.js';
import { makeSite, startGang, type Gang, type GangOptions, type Site } from './gang.js';

let site: Site;
let good: Gang;

beforeAll(async () => {
  site = await makeSite();
  good = await startGang(site, { name: 'good', iterations: 20 });
  expect(await good.ended).toEqual([0, 0]);
});
afterAll(() => site.remove());

describe('a damaged checkpoint is refused by the reader, and by the trainer in the words of torch', () => {
  const damages: readonly [string, (dir: string) => Promise<void>, string, string | null][] = [
    [
      'a truncated shard',
      (dir) => truncate(join(dir, '__3_0.distcp'), 3000),
      'shard-truncated',
      'PytorchStreamReader failed reading zip archive',
    ],
    ['a missing shard', (dir) => rm(join(dir, '__2_0.distcp')), 'shard-missing', 'No such file or directory'],
    ['missing metadata', (dir) => rm(join(dir, '.metadata')), 'metadata-missing', 'No such file or directory'],
    ['cut metadata', (dir) => truncate(join(dir, '.metadata'), 2000), 'metadata-damaged', 'Ran out of input'],
    // Equal sizes: torch loads it without a word, and the weights of one rank are of another time.
    [
      'a shard of another save',
      (dir) => copyFile(join(good.save, 'iter_0000010/__1_0.distcp'), join(dir, '__1_0.distcp')),
      'generation-mixed',
      null,
    ],
    [
      'flipped bytes in a shard',
      (dir) => flip(join(dir, '__0_0.distcp')),
      'item-damaged',
      'PytorchStreamReader failed reading zip archive',
    ],
  ];

  test.each(damages)('%s', async (name, damage, id, message) => {
    const dir = join(site.dir, name.replaceAll(' ', '-'), 'iter_0000020');
    await cp(join(good.save, 'iter_0000020'), dir, { recursive: true });
    await damage(dir);
    const report = await verifyCheckpoint(dir, { layout: megatronLayout, isDeep: true });
    expect(report.complete).toBe(false);
    expect(report.problems.map((problem) => problem.id)).toContain(id);
    const gang = await resume({ name: `load-${id}` }, dir);
    expect(await gang.ended).toEqual(message === null ? [0, 0] : [1, 1]);
    if (message === null) return;
    const errors = await Promise.all(
      [0, 1, 2, 3].map(async (rank) => parseTracebacks((await gang.log(rank, 'err')).split('\n'))),
    );
    expect(errors.flat().map((error) => error.message)).toContainEqual(expect.stringContaining(message));
  });
});

describe('a load view that names no checkpoint ends with status 0, as upstream does', () => {
  test.each([
    ['an empty tracker', '', 'tracker-invalid'],
    ['a garbled tracker', 'iter_20', 'tracker-invalid'],
    ['no tracker', null, 'checkpoint-not-found'],
  ])('%s', async (name, text, id) => {
    const load = join(site.dir, name.replaceAll(' ', '-'));
    await mkdir(load);
    if (text !== null) await writeFile(join(load, 'latest_checkpointed_iteration.txt'), text);
    const gang = await startGang(site, {
      name: `view-${name.replaceAll(' ', '-')}`,
      load,
      args: ['--exit-on-missing-checkpoint'],
    });
    expect(await gang.ended).toEqual([0, 0]);
    expect(await gang.iterations()).toEqual([]);
    expect(await gang.events(0)).toContainEqual(expect.objectContaining({ kind: 'fatal', id }));
  });
});

describe('other numbers of ranks', () => {
  test.each([
    { nodes: 1, ranksPerNode: 1 },
    { nodes: 3, ranksPerNode: 1 },
  ])('%o load the checkpoint of four ranks whole', async (shape) => {
    const name = `ranks-${shape.nodes}`;
    const gang = await resume({ name, ...shape }, join(good.save, 'iter_0000020'));
    expect(await gang.ended).toEqual(Array(shape.nodes).fill(0));
    const iterations = await gang.iterations();
    expect(iterations.map(({ iteration }) => iteration)).toEqual([21, 22, 23, 24]);
    expect(iterations[0]?.loss).toBeLessThan((await good.iterations())[0]?.loss ?? 0);
    const report = await verifyCheckpoint(join(gang.save, 'iter_0000024'), { layout: megatronLayout, isDeep: true });
    expect(report).toMatchObject({ complete: true, worldSize: shape.nodes });
  });
});

/** Goes on from a checkpoint for four iterations, whatever the length of its schedule was. */
async function resume(options: GangOptions, dir: string): Promise<Gang> {
  const load = join(site.dir, `${options.name}-load`);
  await makeLoadView(load, { dir, iteration: 20 }, simulated.checkpoint);
  return startGang(site, { ...options, iterations: 24, load, args: ['--override-opt_param-scheduler'] });
}

/** Damages the directory of the first archive in a shard. */
async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  const end = bytes.indexOf(Buffer.from('PK\x01\x02'));
  await writeFile(path, Buffer.concat([bytes.subarray(0, end), Buffer.from('XXXX'), bytes.subarray(end + 4)]));
}
