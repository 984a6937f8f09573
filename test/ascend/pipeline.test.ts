import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySets } from '../../src/domain/spec/edit-spec.js';
import { verifyCheckpoint } from '../../src/host/checkpoint/verify.js';
import { readIncidents } from '../../src/host/run/incidents.js';
import { compareModels } from '../../src/host/safetensors/compare.js';
import { megatronLayout } from '../../src/recipes/megatron/checkpoint-dialect.js';
import { startDev, type Dev } from '../e2e/support/dev.js';
import { replayHistories } from '../e2e/support/histories.js';
import { exportDir, follow, start } from '../e2e/support/runs.js';
import { makeFleet, type Fleet } from '../support/ascend/make-fleet.mjs';

const HOSTS = 8;
const NPUS = 16;
const WORLD = HOSTS * NPUS;
const runs: string[] = [];

describe('GLM-4.5V on a fleet of 8 hosts with 16 devices each', { timeout: 240_000 }, () => {
  let folder: string;
  let fleet: Fleet;
  let dev: Dev;
  /** HCCL's usual ports may have been given to a connection of the ranks before, which would cost a minute. */
  const specWith = (...sets: { path: string; value: string }[]): string =>
    applySets(fleet.spec, [{ path: 'train.env.HCCL_IF_BASE_PORT', value: '61000' }, ...sets]).text;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'temper-ascend-'));
    fleet = await makeFleet(folder, { hosts: HOSTS, npusPerHost: NPUS, iterations: 12, every: 4 });
    dev = await startDev(['--hosts', String(HOSTS), '--train-address', fleet.address], fleet.env);
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('goes from repositories, a model and images to an export that was verified', async () => {
    const run = await start(dev.client, specWith());
    runs.push(run);
    const status = await follow(dev.client, run);
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    expect(status.stages.filter(({ state }) => state !== 'done')).toEqual([]);
    const { train, check } = status.result?.facts ?? {};
    expect(train).toMatchObject({ iterations: 12, worldSize: WORLD, attempts: 1 });
    expect(check).toMatchObject({ rows: WORLD + 40, images: 12 });
    expect(Number(train?.['lastLoss'])).toBeLessThan(Number(train?.['firstLoss']));

    const workspace = join(folder, 'workspace');
    const checkpoint = join(workspace, String(train?.['checkpoint']));
    expect(await verifyCheckpoint(checkpoint, { layout: megatronLayout, isDeep: true })).toMatchObject({
      ...{ complete: true, iteration: 12, worldSize: WORLD, hasOptimizer: true, problems: [] },
    });
    const frozen = ['visual.patch_embed', 'visual.blocks', 'visual.merger'];
    const report = await compareModels(join(folder, 'GLM-4.5V'), exportDir(workspace, run), {
      ...{ dtype: 'bf16', frozen, isDeep: true },
    });
    expect(report.problems).toEqual([]);
    const lock = await readFile(join(workspace, 'runs', run, 'lock.json'), 'utf8');
    expect(JSON.parse(lock)).toMatchObject({
      environment: { versions: { torch: '2.7.1', transformers: '4.57.1', 'CANN toolkit': '8.3.RC1' } },
    });
  });

  it('goes on from the newest checkpoint after the ranks of one host were killed', async () => {
    const once = join(folder, 'killed');
    await writeFile(
      fleet.faultsFile,
      JSON.stringify({ v: 1, faults: [{ kind: 'signal', rank: 37, iteration: 7, once }] }),
    );
    // Another seed is another training; the stages before it are reused.
    const text = specWith({ path: 'name', value: 'killed' }, { path: 'train.seed', value: '7' });
    const run = await start(dev.client, text, 'train');
    runs.push(run);
    const status = await follow(dev.client, run);
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    expect(status.result?.facts['train']).toMatchObject({ iterations: 12, attempts: 2, worldSize: WORLD });
    const [incident, ...others] = await readIncidents(join(folder, 'workspace'), 'killed');
    expect(others).toEqual([]);
    expect(incident).toMatchObject({ attempt: 1, resumedFrom: 4, verdict: { cause: 'rank-killed' } });
    expect(incident?.verdict.sentence).toContain('rank 37');
    // Killed in iteration 7: the last one that was logged, or the one before.
    expect([2, 3]).toContain(incident?.stepsLost);
  });

  it('replays', async () => {
    await replayHistories(dev.client, runs);
  });
});
