import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../../src/client/retention.js';
import { cancelRun } from '../../src/client/runs.js';
import { applySets } from '../../src/domain/spec/edit-spec.js';
import { verifyCheckpoint } from '../../src/host/checkpoint/verify.js';
import { listKeepers } from '../../src/host/keeper/client.js';
import { findCopyDamage, readLocalCopy } from '../../src/host/local-copy/local-copies.js';
import { readIncidents } from '../../src/host/run/incidents.js';
import { compareModels } from '../../src/host/safetensors/compare.js';
import { megatronLayout } from '../../src/recipes/megatron/checkpoint-dialect.js';
import type { RunStatus } from '../../src/schemas/run.js';
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

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'temper-ascend-'));
    fleet = await makeFleet(folder, { hosts: HOSTS, npusPerHost: NPUS, iterations: 12, every: 4 });
    dev = await startDev(['--hosts', String(HOSTS), '--train-address', fleet.address], fleet.env);
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** A training of its own on the same fleet, while something goes wrong there; stages before it are reused. */
  const trainWith = async (
    name: string,
    seed: number,
    faults: readonly object[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<RunStatus> => {
    await writeFile(fleet.faultsFile, JSON.stringify({ v: 1, faults }));
    const sets = { name, 'train.seed': String(seed), ...more };
    const { text } = applySets(
      fleet.spec,
      Object.entries(sets).map(([path, value]) => ({ path, value })),
    );
    const run = await start(dev.client, text, 'train');
    runs.push(run);
    return follow(dev.client, run);
  };

  it('goes from repositories, a model and images to an export that was verified', async () => {
    const run = await start(dev.client, fleet.spec);
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
    const status = await trainWith('killed', 7, [{ kind: 'signal', rank: 37, iteration: 7, once }]);
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    expect(status.result?.facts['train']).toMatchObject({ iterations: 12, attempts: 2, worldSize: WORLD });
    const [incident, ...others] = await readIncidents(join(folder, 'workspace'), 'killed');
    expect(others).toEqual([]);
    expect(incident).toMatchObject({ attempt: 1, resumedFrom: 4, verdict: { cause: 'rank-killed' } });
    expect(incident?.verdict.sentence).toContain('rank 37');
  });

  it('parks a training that found no checkpoint to load, though all its processes ended with status 0', async () => {
    const status = await trainWith('unseen', 8, [{ kind: 'unseen-tracker', rank: 'all' }]);
    expect(status).toMatchObject({ state: 'blocked', stage: 'train' });
    expect(JSON.stringify(status.problem)).toContain('could not find the metadata file');
  });

  describe('weights.localCopy', () => {
    const localCopy = { 'weights.localCopy': 'true' };
    const scratches = async (): Promise<string[]> => {
      const hosts = join(dev.home, 'hosts');
      return (await readdir(hosts)).sort().map((host) => join(hosts, host));
    };
    const copyOf = async (scratch: string): Promise<string> => {
      const [name, ...others] = await readdir(join(scratch, 'weights'));
      expect(others).toEqual([]);
      return join(scratch, 'weights', name ?? '');
    };
    /** Where the ranks of each host were told to load from. */
    const loaded = async (run: string): Promise<string[]> =>
      (await scratches()).map((scratch) => {
        const keeper = listKeepers(scratch).find(({ id }) => id.startsWith(`${run}.train.h`));
        const argv = keeper?.request()?.argv ?? [];
        return argv[argv.indexOf('--load') + 1] ?? '';
      });
    const shards = async (dir: string): Promise<Buffer> => readFile(join(dir, 'release/__0_0.distcp'));

    it('lies on the disk of every host, equal to the original, and is what the ranks load', async () => {
      const status = await trainWith('local', 9, [], localCopy);
      expect(status.state, JSON.stringify(status.problem)).toBe('done');
      const copies = await Promise.all((await scratches()).map(copyOf));
      expect(copies).toHaveLength(HOSTS);
      expect(await loaded('local')).toEqual(copies);
      for (const dir of copies) {
        const record = await readLocalCopy(dir);
        expect(record === null ? ['no record'] : await findCopyDamage(dir, record)).toEqual([]);
        const original = join(record?.source ?? '', '__0_0.distcp');
        expect((await shards(dir)).equals(await readFile(original))).toBe(true);
      }
    });

    it('is made again on the host where it is damaged, and kept on the others', async () => {
      const copies = await Promise.all((await scratches()).map(copyOf));
      const [damaged = '', ...sound] = copies;
      const times = async () => Promise.all(sound.map(async (dir) => (await readLocalCopy(dir))?.at));
      const [before, whole] = [await times(), await shards(damaged)];
      const shard = await open(join(damaged, 'release/__0_0.distcp'), 'r+');
      await shard.write(Buffer.from([255 - (whole[whole.length >> 1] ?? 0)]), 0, 1, whole.length >> 1);
      await shard.close();
      const status = await trainWith('local-again', 10, [], localCopy);
      expect(status.state, JSON.stringify(status.problem)).toBe('done');
      expect(await loaded('local-again')).toEqual(copies);
      expect((await shards(damaged)).equals(whole)).toBe(true);
      expect(await times()).toEqual(before);
    });

    it('goes with the weights that it was made of', async () => {
      const workspace = join(folder, 'workspace');
      const policy = { olderThanMs: null, keepRuns: 0, maxBytes: null, keepCheckpoints: null };
      // A run that is parked needs its weights.
      const copies = (items: readonly { kind: string }[] = []) => items.filter(({ kind }) => kind === 'copy');
      const gc = async (isDryRun: boolean) =>
        copies((await collect(dev.client, { workspace, fleet: 'default' }, policy, isDryRun))[0]?.items);
      expect(await gc(false)).toEqual([]);
      await cancelRun(dev.client, 'unseen', { by: 'ada', why: 'its weights may go' });
      await follow(dev.client, 'unseen');
      expect(await gc(true)).toHaveLength(HOSTS);
      expect(await gc(false)).toHaveLength(HOSTS);
      for (const scratch of await scratches()) expect(await readdir(join(scratch, 'weights'))).toEqual([]);
    });
  });

  it('replays', async () => {
    await replayHistories(dev.client, runs);
  });
});
