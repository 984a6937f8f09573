import { cpSync, existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ensureEnvironment } from '../../../src/activities/ensure-environment.js';
import { openAttempt } from '../../../src/activities/training/open-attempt.js';
import { trainNode } from '../../../src/activities/training/train-node.js';
import type { StageHost } from '../../../src/activities/stage-host.js';
import { readLocalCopy } from '../../../src/host/local-copy/local-copies.js';
import { writeReceipt } from '../../../src/host/store/entry.js';
import { makeManifest } from '../../../src/host/store/manifest.js';
import type { LaunchFacts, Recipe } from '../../../src/recipes/recipe.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import type { StageCall } from '../../../src/schemas/stage-calls.js';
import { READERS } from '../../host/checkpoint/fixtures.js';
import { recipeOf, run, useStageBench } from '../support.js';

const bench = useStageBench();
const TEMPER = fileURLToPath(new URL('../../../bin/temper.js', import.meta.url));
const DIGEST = 'c0ffee'.repeat(8);
const copyDir = (): string => join(bench.scratch(), 'weights', DIGEST.slice(0, 16));

/** A training that tells where it was to load from, and saves nothing. */
function recipeTelling(told: LaunchFacts[]): Recipe {
  const fake = recipeOf(() => ({}));
  const launch = (facts: LaunchFacts) => {
    told.push(facts);
    return { step: 'h00', argv: ['/bin/sh', '-c', 'exit 0'], cwd: '/', env: {} };
  };
  const say = (step: string) => ({ step, argv: ['/bin/sh', '-c', 'echo {}'], cwd: '/', env: {} });
  return {
    ...fake,
    // The command knows the recipes by their ids.
    id: cpuTiny.id,
    training: { ...fake.training, launch },
    environment: { probe: () => say('probe'), prove: () => say('prove'), read: () => ({ lock: {}, problems: [] }) },
  };
}

/** A run with converted weights in the store, whose training is about to take this host. */
async function aboutToTrain(localCopy: boolean, told: LaunchFacts[] = []) {
  const recipe = recipeTelling(told);
  const call = await bench.open(recipe, 'r1', { name: 'train' }, (text) =>
    text
      .replace('recipe: fake', `recipe: ${cpuTiny.id}`)
      .replace("{ source: 'seed:1' }", `{ source: 'seed:1', localCopy: ${localCopy} }`)
      .replace(/, fromCheckpoint: \S+/, ''),
  );
  const dir = 'store/convert/k1/out-0001';
  cpSync(join(READERS, 'dcp-release'), join(bench.workspace(), dir, 'dcp'), { recursive: true });
  await writeReceipt(bench.workspace(), {
    v: 1,
    stage: 'convert',
    key: 'k1',
    dir,
    outputs: { dcp: `${dir}/dcp` },
    facts: {},
    manifest: await makeManifest(join(bench.workspace(), dir)),
    digest: DIGEST,
    madeBy: { run: 'r1', host: 'h1', owner: 'first-r1', tryNumber: 1 },
    startedAt: '',
    finishedAt: '',
  });
  const host: StageHost = bench.host(recipe);
  return {
    host: { ...host, tools: { ...host.tools, temper: TEMPER } },
    call: { ...call, needs: [{ stage: 'convert' as const, key: 'k1', digest: DIGEST }] },
    shard: join(bench.workspace(), dir, 'dcp/release/__0_0.distcp'),
  };
}

async function train(host: StageHost, call: StageCall): Promise<void> {
  const lead = { v: 1, name: 'h1', machineId: 'm', pid: 1, address: '127.0.0.1', labels: [] } as const;
  const hosts = [{ ...lead, labels: [], scratch: '/', startedAt: '' }];
  const attempt = await run(() => openAttempt(host, { ...call, lease: 1, hosts }));
  await run(() => trainNode(host, { ...call, attempt, lease: 1, nodeRank: 0, nodeCount: 1 }));
}

describe('weights.localCopy', () => {
  it('brings the weights to the host that a training takes, once, and loads them from there', async () => {
    const told: LaunchFacts[] = [];
    const { host, call } = await aboutToTrain(true, told);
    await run(() => ensureEnvironment(host, call));
    const first = await readLocalCopy(copyDir());
    expect(first?.files.map(({ path }) => path)).toContain('.metadata');
    await run(() => ensureEnvironment(host, { ...call, tryNumber: 2 }));
    expect(await readLocalCopy(copyDir())).toEqual(first);
    await train(host, call);
    expect(told.at(-1)?.loadDir).toBe(copyDir());
    expect(existsSync(join(bench.workspace(), 'runs/r1/stages/train/log/h1-copy-weights.out'))).toBe(true);
  });

  it('is loaded from the workspace where the copy is damaged', async () => {
    const told: LaunchFacts[] = [];
    const { host, call } = await aboutToTrain(true, told);
    await run(() => ensureEnvironment(host, call));
    truncateSync(join(copyDir(), 'release/__0_0.distcp'), 3);
    await train(host, call);
    expect(told.at(-1)?.loadDir).toBe(join(bench.workspace(), 'runs/r1/attempts/0001/load'));
  });

  it('copies nothing that is not what the receipt says', async () => {
    const { host, call, shard } = await aboutToTrain(true);
    writeFileSync(shard, 'other');
    await expect(run(() => ensureEnvironment(host, call))).rejects.toMatchObject({
      problem: { code: 'ProofFailed', what: expect.stringContaining('cannot be copied to the hosts') },
    });
    expect(existsSync(copyDir())).toBe(false);
  });

  it('is not made for a training that goes on from a checkpoint of its own', async () => {
    const { host, call } = await aboutToTrain(true);
    const { attempt } = await run(() => openAttempt(host, { ...call, lease: 1, hosts: [] }));
    const folder = String(attempt).padStart(4, '0');
    cpSync(
      join(READERS, 'dcp/iter_0000002'),
      join(bench.workspace(), 'runs/r1/attempts', folder, 'ckpt/iter_0000002'),
      {
        recursive: true,
      },
    );
    await run(() => ensureEnvironment(host, call));
    expect(existsSync(copyDir())).toBe(false);
  });

  it('is removed when a training takes the host that does not load it', async () => {
    const { host, call } = await aboutToTrain(true);
    await run(() => ensureEnvironment(host, call));
    expect(readdirSync(join(bench.scratch(), 'weights'))).toEqual([DIGEST.slice(0, 16)]);
    const other = await aboutToTrain(false);
    await run(() => ensureEnvironment(other.host, { ...other.call, tryNumber: 2 }));
    expect(readdirSync(join(bench.scratch(), 'weights'))).toEqual([]);
  });
});
