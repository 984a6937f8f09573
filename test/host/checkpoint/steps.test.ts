import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeSteps } from '../../../src/host/checkpoint/generation.js';
import { spread } from '../../../src/host/checkpoint/items.js';
import { copyFixture, verify, warningIds } from './fixtures.js';

test.each([
  ['are equal', [[10, 10], [10], [10, 10]], [], []],
  [
    'are all behind the iterations, some of which were skipped',
    [
      [9, 9],
      [9, 9],
    ],
    [],
    [],
  ],
  [
    'lag for some parameters of each shard',
    [
      [10, 7],
      [7, 10],
      [10, 10],
    ],
    [],
    ['steps-differ'],
  ],
  [
    'lag in a shard of what lags elsewhere too',
    [
      [10, 7],
      [7, 7],
      [10, 10],
    ],
    [],
    ['steps-differ'],
  ],
  ['are those of an older save in the only counter of a shard', [[10, 10], [7]], ['shard 1'], []],
  [
    'are above the iteration',
    [
      [10, 10],
      [10, 20],
    ],
    ['shard 1'],
    [],
  ],
  [
    'are those of an older save in one shard',
    [
      [10, 10],
      [10, 10],
      [5, 5],
    ],
    ['shard 2'],
    [],
  ],
  [
    'are those of an older save in two shards, lags included',
    [
      [10, 7],
      [5, 3],
      [5, 5],
    ],
    ['shard 1'],
    [],
  ],
])('steps that %s', (_, shards, refused, warned) => {
  const counters = shards.flatMap((values, shard) =>
    values.map((value, index) => ({ file: `shard ${shard}`, fqn: `optimizer.state.p${index}.step`, value })),
  );
  const { problems, warnings } = judgeSteps(counters, 10);
  expect(problems.map(({ id, where }) => [id, where])).toEqual(refused.map((where) => ['generation-mixed', where]));
  expect(warnings.map(({ id }) => id)).toEqual(warned);
});

test.each([
  [2, 3],
  [5, 7],
  [8, 8],
  [32, 6000],
])('%i of %i places are spread from the first to the last', (most, count) => {
  const all = Array.from({ length: count }, (_, index) => index);
  const places = spread(all, most);
  expect(new Set(places).size).toBe(most);
  expect([places[0], places.at(-1)]).toEqual([0, count - 1]);
  const gaps = places.slice(1).map((place, index) => place - (places[index] ?? 0));
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
});

test('a parameter that counted fewer is told, and refuses nothing', async () => {
  const dir = join(await copyFixture('dcp'), 'iter_0000004');
  const path = join(dir, '__1_0.distcp');
  const content = await readFile(path);
  const step = Buffer.alloc(4);
  step.writeFloatLE(4);
  content.writeFloatLE(2, content.indexOf(step, 18168));
  await writeFile(path, content);
  await utimes(path, 1e9, 1e9);
  const report = await verify(dir);
  expect(report).toMatchObject({ complete: true, problems: [] });
  expect(warningIds(report)).toEqual(['steps-differ']);
});
