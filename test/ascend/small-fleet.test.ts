import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../../src/client/retention.js';
import { cancelRun } from '../../src/client/runs.js';
import { applySets } from '../../src/domain/spec/edit-spec.js';
import { listKeepers } from '../../src/host/keeper/client.js';
import { findCopyDamage, readLocalCopy } from '../../src/host/local-copy/local-copies.js';
import type { RunStatus } from '../../src/schemas/run.js';
import { startDev, type Dev } from '../e2e/support/dev.js';
import { replayHistories } from '../e2e/support/histories.js';
import { follow, start } from '../e2e/support/runs.js';
import { makeFleet, type Fleet } from '../support/ascend/make-fleet.mjs';

const HOSTS = 2;
const runs: string[] = [];

describe('GLM-4.5V on a fleet of 2 hosts with 2 devices each', { timeout: 240_000 }, () => {
  let folder: string;
  let fleet: Fleet;
  let dev: Dev;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'temper-ascend-'));
    fleet = await makeFleet(folder, { hosts: HOSTS, npusPerHost: 2, iterations: 6, every: 3 });
    dev = await startDev(['--hosts', String(HOSTS), '--train-address', fleet.address], fleet.env);
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** A training of its own on the same fleet, while something goes wrong there; stages before it are reused where they were done. */
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
