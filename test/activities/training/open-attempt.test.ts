import type * as promises from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openAttempt } from '../../../src/activities/training/open-attempt.js';
import { trainNode } from '../../../src/activities/training/train-node.js';
import { fenceFile, readFence } from '../../../src/host/fence/workspace-fence.js';
import type { LaunchFacts, Recipe } from '../../../src/recipes/recipe.js';
import { READERS } from '../../host/checkpoint/fixtures.js';
import { recipeOf, run, useStageBench } from '../support.js';

const bench = useStageBench();
const hiccup = vi.hoisted((): { code: string | null } => ({ code: null }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  return {
    ...real,
    open: (path: string, flags: string | number) =>
      hiccup.code !== null && String(path).endsWith('.distcp')
        ? Promise.reject(Object.assign(new Error(`${hiccup.code}: injected`), { code: hiccup.code }))
        : real.open(path, flags),
  };
});

/** A training that saves iteration 4, says so, and fails. */
function recipeSaving(): Recipe {
  const fake = recipeOf(() => ({}));
  const launch = ({ rankLogDir, saveDir }: LaunchFacts) => ({
    step: 'h00',
    argv: ['/bin/sh', '-c', PROGRAM, 'sh', join(rankLogDir, 'none_x/attempt_0'), saveDir],
    cwd: rankLogDir,
    env: {},
  });
  return { ...fake, training: { ...fake.training, launch } };
}
const PROGRAM = `
mkdir -p "$1/0"; touch "$1/0/stderr.log"; cp -r ${READERS}/dcp/iter_0000004 "$2/"
echo "  successfully saved checkpoint from iteration       4 to $2" > "$1/0/stdout.log"; exit 3
`;

describe('opening an attempt while a mount has a hiccup', () => {
  beforeEach(() => {
    hiccup.code = null;
  });

  it.each(['ETIMEDOUT', 'ESTALE', 'ENOTCONN'])(
    'fails, and is done again from the same checkpoint: %s',
    async (code) => {
      const recipe = recipeSaving();
      const host = bench.host(recipe);
      const call = { ...(await bench.open(recipe, 'r1', { name: 'train' })), lease: 1, hosts: [], hostNames: ['h1'] };
      const open = () => run(() => openAttempt(host, call));
      const attempt = await open();
      const train = { ...call, attempt, nodeRank: 0, nodeCount: 1 };
      await expect(run(() => trainNode(host, train))).rejects.toMatchObject({ problem: { code: 'TrainingUnproven' } });

      hiccup.code = code;
      // As it is: the edge makes it an error that is tried again, and nothing was refused or moved aside for it.
      await expect(open()).rejects.toMatchObject({ code });
      hiccup.code = null;
      expect(await open()).toMatchObject({ attempt: 3, loadIteration: 4 });
      const attempts = join(bench.workspace(), 'runs/r1/attempts');
      expect(readdirSync(join(attempts, '0001/ckpt'))).toEqual(['iter_0000004']);
      expect(JSON.parse(readFileSync(join(attempts, '0003/attempt.json'), 'utf8'))).toMatchObject({ refused: [] });
      expect(await readFence(fenceFile(bench.workspace(), 'r1'))).toMatchObject({ attempt: 3 });
    },
  );
});
