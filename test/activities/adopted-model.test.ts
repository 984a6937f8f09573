import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runStage } from '../../src/activities/run-stage.js';
import { promote } from '../../src/host/models/promote.js';
import { retainVersions } from '../../src/host/models/versions.js';
import { collect } from '../../src/host/retention/collect.js';
import { readReceipt } from '../../src/host/store/entry.js';
import { finishRun } from '../host/models/support.js';
import { recipeOf, run, useStageBench } from './support.js';

const bench = useStageBench();
const ALL = { olderThanMs: null, keepRuns: 0, maxBytes: null, keepCheckpoints: null };

/** Makes the model of a run the current one of `numbers`, and the only one. */
async function makeCurrent(name: string): Promise<void> {
  const by = { by: 'test', why: 'good', fingerprint: null, startedFrom: null, metrics: null };
  await finishRun(bench.workspace(), name);
  await promote({ workspace: bench.workspace(), model: 'numbers', run: name, token: null, ...by });
  await retainVersions(bench.workspace(), 'numbers', { keep: 1, spare: [] });
}

const gc = (open: readonly string[]) =>
  collect(
    bench.workspace(),
    ALL,
    async (runs) => new Map(runs.map(({ name }) => [name, open.includes(name) ? 'it is running' : null])),
  );
const exportsLeft = async (): Promise<string[]> => (await readdir(join(bench.workspace(), 'store/export'))).sort();

it('a run that starts from the current model keeps that model, whatever becomes current, until it has ended', async () => {
  await makeCurrent('first');
  const workspace = bench.workspace();
  const current = join(workspace, 'models/numbers/current/hf');
  const adopting = recipeOf(() => ({ outputs: { hf: current } }));
  const call = await bench.open(adopting, 'user', {}, (text) => text.replace('seed:1', `path:${current}`));
  const { ref } = await run(() => runStage(bench.host(adopting), call));
  const receipt = await readReceipt(workspace, 'weights', ref.key);
  expect(receipt?.outputs).toEqual({ hf: 'store/export/key-first/out-0001/hf' });

  await makeCurrent('second');
  await gc(['user']);
  expect(await exportsLeft()).toEqual(['key-first', 'key-second']);
  expect(await readdir(join(workspace, 'runs'))).toEqual(expect.arrayContaining(['second', 'user']));

  await gc([]);
  expect(await exportsLeft()).toEqual(['key-second']);
  // A receipt of files that are gone would be taken for proven.
  expect(await readReceipt(workspace, 'weights', ref.key)).toBeNull();
});
