import { copyFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readLedger } from '../../../src/host/ledger/store.js';
import { runDir } from '../../../src/host/run/run-folder.js';
import { waitFor } from '../../e2e/support/dev.js';
import type { Place } from './moments.js';
import { rankLog, type NodeProcesses } from './training-processes.js';

/** What is done to a checkpoint, and then a rank is killed, so that the next attempt has to choose. */
type Damage = (folder: string, place: Place) => Promise<void>;

export const truncateShard = withDamage(async (folder, { random }) => {
  const shard = join(folder, random.pick(await shards(folder)));
  const { size } = await stat(shard);
  await truncate(shard, random.between(0, size - 1));
});

export const removeShard = withDamage(async (folder, { random }) => {
  await rm(join(folder, random.pick(await shards(folder))));
});

/** Two ranks' shards change places, as after a careless copy. */
export const swapShards = withDamage(async (folder, { random }) => {
  const names = await shards(folder);
  const first = random.between(0, names.length - 2);
  const [a = '', b = ''] = [names[first], names[first + 1]].map((name) => join(folder, name ?? ''));
  await copyFile(a, `${a}.tmp`);
  await rename(b, a);
  await rename(`${a}.tmp`, b);
});

/** As a crash in the middle of writing it leaves it. */
export const emptyTracker = withDamage(async (folder) => {
  const names = await readdir(dirname(folder));
  const tracker = names.find((name) => name.startsWith('latest'));
  if (tracker === undefined) throw new Error(`no tracker beside ${basename(folder)}`);
  await writeFile(join(dirname(folder), tracker), '');
});

function withDamage(damage: Damage) {
  return async (place: Place, nodes: readonly NodeProcesses[]): Promise<void> => {
    // Stopped, so that no newer checkpoint appears between the damage and the kill.
    const ranks = nodes.flatMap((node) => [...node.ranks.values()]);
    for (const pid of ranks) process.kill(pid, 'SIGSTOP');
    await damage(await newestProven(place), place);
    for (const pid of ranks) process.kill(pid, 'SIGKILL');
  };
}

/** Folder of the newest checkpoint of the attempt, once Temper has proven it. */
async function newestProven({ site, run, attempt }: Place): Promise<string> {
  const root = runDir(site.workspace, run);
  const saved = [
    ...rankLog(site, run, attempt, 0, 'out').matchAll(/successfully saved checkpoint from iteration +(\d+)/g),
  ];
  const iteration = Number(saved.at(-1)?.[1]);
  return waitFor(`a proof of iteration ${iteration}`, async () => {
    const { checkpoints } = await readLedger(root);
    const newest = checkpoints.find((entry) => entry.iteration === iteration && entry.attempt === attempt);
    return newest === undefined ? null : join(root, newest.dir);
  });
}

async function shards(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.distcp')).sort();
}
