import { cp, mkdir, readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getFleet } from '../../src/client/fleet.js';
import { getRunStatus } from '../../src/client/run-status.js';
import { cancelRun, pauseRun, resumeRun, startRun } from '../../src/client/runs.js';
import type { RunStatus } from '../../src/schemas/run.js';
import { startDev, type Dev } from './support/dev.js';
import { replayHistories } from './support/histories.js';
import { follow, keptCommands, rankPids, start } from './support/runs.js';
import { simulatedSpec } from './support/simulated-spec.js';
import { tinySpec } from './support/tiny-spec.js';

let dev: Dev;
beforeAll(async () => {
  dev = await startDev();
}, 120_000);
afterAll(async () => {
  await dev?.stop();
}, 60_000);

const runs: string[] = [];

/** Asks for something once, when a training has made its first iterations. */
function onceTrained(ask: () => Promise<unknown>): (status: RunStatus) => Promise<void> {
  let isAsked = false;
  return async ({ progress }) => {
    if (isAsked || !progress.some(({ iteration }) => iteration !== undefined)) return;
    isAsked = true;
    await ask();
  };
}

describe('a run that cannot go on', { timeout: 240_000 }, () => {
  it('parks with reason and fix, holds no host, refuses an invalid correction and continues with a valid one', async () => {
    const missing = join(dev.home, 'no-such-model');
    const run = await start(
      dev.client,
      simulatedSpec({ name: 'parked', workspace: join(dev.home, 'ws-a'), weights: `path:${missing}` }),
      'convert',
    );
    runs.push(run);
    const blocked = await follow(dev.client, run);
    expect(blocked).toMatchObject({ state: 'blocked', problem: { code: 'SourceMissing' } });
    expect(blocked.problem?.what).toContain(missing);
    expect(blocked.problem?.fix).toContain('temper resume');
    expect((await getFleet(dev.client, 'default')).leases).toEqual([]);

    const refused = await resumeRun(dev.client, run, { set: [{ path: 'weights.sorce', value: 'seed:1' }], from: null });
    expect(refused.resumed).toBe(false);
    expect(refused.problems[0]?.fix).toContain('source');
    const worse = await resumeRun(dev.client, run, { set: [{ path: 'train.iterations', value: '-3' }], from: null });
    expect(worse).toMatchObject({ resumed: false });

    const answer = await resumeRun(dev.client, run, { set: [{ path: 'weights.source', value: 'seed:1' }], from: null });
    expect(answer).toMatchObject({ resumed: true, problems: [] });
    const done = await follow(dev.client, run);
    expect(done.state, JSON.stringify(done.problem)).toBe('done');
    expect(done.stages.filter(({ state }) => state === 'skipped').map(({ name }) => name)).toEqual([
      'data',
      'train',
      'export',
      'verify',
    ]);
  });

  it('says which finished stages a correction makes again', async () => {
    const workspace = join(dev.home, 'ws-b');
    const env = { SIM_STEP_MS: 20, SIM_GRACE_MS: 2_000 };
    const run = await start(dev.client, simulatedSpec({ name: 'again', workspace, env }), 'train');
    runs.push(run);
    const paused = await follow(
      dev.client,
      run,
      onceTrained(() => pauseRun(dev.client, run, 'to change something')),
    );
    expect(paused).toMatchObject({ state: 'blocked', problem: { code: 'Paused' } });
    const answer = await resumeRun(dev.client, run, { set: [{ path: 'weights.source', value: 'seed:2' }], from: null });
    expect(answer.resumed).toBe(true);
    expect(answer.invalidated).toContain('weights');
    expect(answer.invalidated).not.toContain('environment');
    expect((await follow(dev.client, run)).state).toBe('done');
    expect(await readdir(join(workspace, 'store/weights'))).toHaveLength(2);
  });

  it('stops its ranks on a pause and goes on from the checkpoint', async () => {
    const run = await start(
      dev.client,
      tinySpec({ name: 'paused', workspace: join(dev.home, 'ws-c'), iterations: 90, every: 10 }),
      'train',
    );
    runs.push(run);
    let isPaused = false;
    const blocked = await follow(dev.client, run, async ({ progress }) => {
      if (isPaused || !progress.some(({ checkpoint }) => (checkpoint ?? 0) >= 10)) return;
      isPaused = true;
      await pauseRun(dev.client, run, 'maintenance');
    });
    expect(blocked).toMatchObject({ state: 'blocked', problem: { code: 'Paused' } });
    expect(rankPids(dev, run)).toEqual([]);
    expect((await getFleet(dev.client, 'default')).leases).toEqual([]);
    await resumeRun(dev.client, run, { set: [], from: null });
    const done = await follow(dev.client, run);
    expect(done.state, JSON.stringify(done.problem)).toBe('done');
    expect(done.result?.facts['train']).toMatchObject({ attempts: 2 });
  });

  it('ends with its ranks when it is cancelled', async () => {
    const run = await start(
      dev.client,
      simulatedSpec({
        ...{ name: 'cancelled', workspace: join(dev.home, 'ws-a'), iterations: 5_000, every: 1_000 },
        env: { SIM_STEP_MS: 20, SIM_GRACE_MS: 2_000 },
      }),
      'train',
    );
    runs.push(run);
    const cancel = onceTrained(() => cancelRun(dev.client, run, { by: 'ada', why: 'the hosts are needed' }));
    const ended = await follow(dev.client, run, cancel);
    expect(ended).toMatchObject({
      state: 'cancelled',
      problem: { code: 'Cancelled', what: 'the run was cancelled by ada', why: 'the hosts are needed' },
    });
    expect(ended.stages.find(({ name }) => name === 'train')).toMatchObject({ state: 'cancelled' });
    expect(rankPids(dev, run)).toEqual([]);
    expect((await getFleet(dev.client, 'default')).leases).toEqual([]);
  });
});

describe('work that exists', { timeout: 240_000 }, () => {
  it('is done once for two runs that want the same output', async () => {
    const workspace = join(dev.home, 'ws-shared');
    const spec = (name: string): string => simulatedSpec({ name, workspace });
    const pair = await Promise.all([
      start(dev.client, spec('twin-a'), 'convert'),
      start(dev.client, spec('twin-b'), 'convert'),
    ]);
    runs.push(...pair);
    const ends = await Promise.all(pair.map((run) => follow(dev.client, run)));
    expect(ends.map(({ state, problem }) => problem ?? state)).toEqual(['done', 'done']);
    const commands = (await Promise.all(pair.map((run) => keptCommands(dev, run)))).flat();
    for (const step of ['weights.make', 'convert.hf-to-dcp']) {
      expect(
        commands.filter(({ id }) => id.includes(`.${step}.`)),
        step,
      ).toHaveLength(1);
    }
  });

  it('is adopted from folders, verified and receipted, and damaged work is refused', async () => {
    const store = join(dev.home, 'ws-c/runs/paused/stages');
    const given = { model: join(dev.home, 'given-model'), dcp: join(dev.home, 'given-dcp') };
    await cp(join(store, 'weights/out/hf'), given.model, { recursive: true, dereference: true });
    await cp(join(store, 'convert/out/dcp'), given.dcp, { recursive: true, dereference: true });
    const spec = tinySpec({
      name: 'adopted',
      workspace: join(dev.home, 'ws-adopted'),
      iterations: 20,
      weights: `dcp:${given.dcp}`,
    }).replace(
      `weights: { source: 'dcp:${given.dcp}' }`,
      `weights: { source: 'dcp:${given.dcp}', original: ${given.model} }`,
    );
    const run = await start(dev.client, spec, 'convert');
    runs.push(run);
    expect((await follow(dev.client, run)).state).toBe('done');
    expect((await keptCommands(dev, run)).filter(({ id }) => /\.(weights|convert)\./.test(id))).toEqual([]);

    const [shard] = (await readdir(join(given.dcp, 'release'))).filter((name) => name.endsWith('.distcp'));
    await writeFile(join(given.dcp, 'release', shard ?? ''), 'torn');
    const { run: second } = await startRun(dev.client, {
      specText: spec,
      file: '/spec.yaml',
      run: null,
      isNew: true,
      from: null,
      until: 'convert',
    });
    runs.push(second);
    const refused = await follow(dev.client, second);
    expect(refused).toMatchObject({ state: 'blocked', problem: { code: 'ProofFailed' } });
  });

  it('is adopted for training: ready rows, given weights and a checkpoint to continue from', async () => {
    const given = join(dev.home, 'ws-c/runs/paused');
    // Ready rows name their images below the folder that the spec gives.
    const images = `${given}/stages/data/out/shapes`;
    const made = await readFile(`${images}.json`, 'utf8');
    const rows = join(dev.home, 'ready.json');
    await writeFile(rows, made.replaceAll(`.${await realpath(images)}/`, ''));
    // Which attempt saved the last one depends on how far the first came before it was paused.
    const checkpoint = (await getRunStatus(dev.client, 'paused')).result?.facts['train']?.['checkpoint'];
    const spec = tinySpec({
      name: 'continued',
      workspace: join(dev.home, 'ws-continued'),
      iterations: 100,
      weights: `path:${given}/stages/weights/out/hf`,
    })
      .replace(
        / {2}- \{ name: shapes[^\n]*/,
        `  - { name: ready, format: mllm, annotations: ${rows}, images: { path: ${images} } }`,
      )
      .replace('train:\n', `train:\n  fromCheckpoint: ${join(dev.home, 'ws-c', String(checkpoint))}\n`);
    const run = await start(dev.client, spec, 'train');
    runs.push(run);
    const done = await follow(dev.client, run);
    expect(done.state, JSON.stringify(done.problem)).toBe('done');
    const attempt: unknown = JSON.parse(
      await readFile(join(dev.home, 'ws-continued/runs', run, 'attempts/0001/attempt.json'), 'utf8'),
    );
    expect(attempt).toMatchObject({ load: { iteration: 90 } });
    expect(done.result?.facts['train']).toMatchObject({ iterations: 100 });
    const commands = (await keptCommands(dev, run)).map(({ id }) => id);
    expect(commands.filter((id) => /weights|make-|convert-/.test(id))).toEqual([]);
  });

  it('is made again when the proven output was damaged', async () => {
    const workspace = join(dev.home, 'ws-shared');
    const [key] = await readdir(join(workspace, 'store/weights'));
    const out = join(workspace, 'store/weights', key ?? '', 'out-0001/hf');
    await rename(out, `${out}.gone`);
    await mkdir(out);
    const run = await start(dev.client, simulatedSpec({ name: 'twin-c', workspace }), 'weights');
    runs.push(run);
    const done = await follow(dev.client, run);
    expect(done.stages.find(({ name }) => name === 'weights')?.state).toBe('done');
  });

  it('replays', async () => {
    await replayHistories(dev.client, runs);
  });
});
