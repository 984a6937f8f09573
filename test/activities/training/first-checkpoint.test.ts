import { expect, it } from 'vitest';
import { openAttempt } from '../../../src/activities/training/open-attempt.js';
import { READERS } from '../../host/checkpoint/fixtures.js';
import { recipeOf, run, useStageBench } from '../support.js';

const bench = useStageBench();

/** Opens the first attempt of a training up to `iterations` that starts from a checkpoint at iteration 4. */
async function openFrom4(iterations: number) {
  const recipe = recipeOf(() => ({}));
  const edit = (text: string): string =>
    text
      .replace('dcp-release', 'dcp/iter_0000004')
      .replace('iterations: 4', `iterations: ${iterations}`)
      .replace('every: 2', 'every: 1');
  const call = await bench.open(recipe, 'r1', { name: 'train' }, edit);
  return run(() => openAttempt(bench.host(recipe), { ...call, lease: 1, hosts: [], hostNames: ['h1'] }));
}

it('a checkpoint beyond the last iteration is no start: it would be launched for nothing, again and again', async () => {
  await expect(openFrom4(3)).rejects.toMatchObject({
    problem: {
      code: 'ProofFailed',
      where: `${READERS}/dcp/iter_0000004`,
      what: 'the checkpoint to start from holds iteration 4, and train.iterations is 3',
      fix: expect.stringContaining('--set train.iterations=N'),
    },
  });
});

it('a checkpoint of the last iteration is the whole training, and one before it is gone on from', async () => {
  expect(await openFrom4(4)).toMatchObject({ loadIteration: 4, lastIteration: 4 });
  expect(await openFrom4(5)).toMatchObject({ loadIteration: 4, lastIteration: null });
});
