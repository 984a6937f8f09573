import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { makeLoadView } from '../../../src/host/run/attempts.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { findSuspicion } from '../../../src/recipes/megatron/suspicions.js';
import { simulated } from '../../../src/recipes/simulated/recipe.js';
import { mapBounded } from '../../../src/domain/map-bounded.js';
import { makeSite, reached, startGang, type Gang, type GangOptions, type Site } from './gang.js';

const ITERATIONS = 40;
const ROUNDS = 20;
/** So many rounds go on at once: a training waits more than it computes. */
const AT_ONCE = 4;
/** Slow saves, so that a good part of the kills falls into one. */
const OPTIONS: Omit<GangOptions, 'name'> = { nodes: 1, iterations: ITERATIONS, every: 7, args: ['--save-ms', '16'] };

let site: Site;
let whole: Gang;
let wholeMs: number;

beforeAll(async () => {
  site = await makeSite();
  whole = await startGang(site, { name: 'whole', ...OPTIONS });
  await reached(whole, 1);
  const startedAt = performance.now();
  expect(await whole.ended).toEqual([0]);
  wholeMs = performance.now() - startedAt;
});
afterAll(() => site.remove());

describe('a training of which everything is killed at a random moment', () => {
  test(`goes on to the same bits, ${ROUNDS} times`, { timeout: 180_000 }, async () => {
    const seed = Number(process.env['TEMPER_TEST_SEED'] ?? Date.now() % 1e9);
    const random = generator(seed);
    const tally = { fromStart: 0, fromCheckpoint: 0, torn: 0, finished: 0 };
    const delays = Array.from({ length: ROUNDS }, () => random() * wholeMs);
    await mapBounded(delays, AT_ONCE, async (delayMs, round) => {
      const said = `seed ${seed}, round ${round}, killed ${Math.round(delayMs)} ms after the first iteration`;
      const first = await startGang(site, { name: `first-${round}`, ...OPTIONS });
      await reached(first, 1);
      await sleep(delayMs);
      await first.killAll();
      const view = join(site.dir, `load-${round}`);
      const { iteration, torn } = await showNewest(first, view);
      tally.torn += torn;
      tally[iteration === null ? 'fromStart' : iteration === ITERATIONS ? 'finished' : 'fromCheckpoint'] += 1;
      const second = await startGang(site, {
        name: `second-${round}`,
        ...OPTIONS,
        load: iteration === null ? site.dcp : view,
      });
      expect(await second.ended, said).toEqual([0]);
      const told = (await second.iterations()).map((line) => line.iteration);
      expect(told, said).toEqual(
        Array.from({ length: ITERATIONS - (iteration ?? 0) }, (_, index) => (iteration ?? 0) + index + 1),
      );
      const last = iteration === ITERATIONS ? first : second;
      for (const rank of [0, 1]) expect(await stateOf(last, rank), said).toEqual(await stateOf(whole, rank));
    });
    process.stdout.write(`seed ${seed}: ${JSON.stringify(tally)}\n`);
    expect(tally.fromCheckpoint).toBeGreaterThan(0);
  });
});

describe('a resume that leaves something out', () => {
  test.each(['--no-load-rng', '--no-load-optim'])(
    '%s: comes to other bits, so equal ones mean that it was restored',
    async (flag) => {
      const view = join(site.dir, `load${flag}`);
      await makeLoadView(view, { dir: join(whole.save, 'iter_0000035'), iteration: 35 }, simulated.checkpoint);
      const gang = await startGang(site, {
        name: `without${flag}`,
        ...OPTIONS,
        args: ['--override-opt_param-scheduler', flag],
        load: view,
      });
      expect(await gang.ended).toEqual([0]);
      expect(await gang.iterations()).toHaveLength(5);
      for (const rank of [0, 1]) expect((await stateOf(gang, rank)).equals(await stateOf(whole, rank))).toBe(false);
      if (flag === '--no-load-rng') return;
      // The schedule starts over with its warm-up, as it does upstream.
      expect((await gang.iterations())[0]?.learningRate).toBe((await whole.iterations())[0]?.learningRate);
    },
  );

  test('a changed schedule is refused in the words of Megatron', async () => {
    const view = join(site.dir, 'load-schedule');
    await makeLoadView(view, { dir: join(whole.save, 'iter_0000035'), iteration: 35 }, simulated.checkpoint);
    const gang = await startGang(site, { name: 'schedule', ...OPTIONS, args: ['--min-lr', '1e-5'], load: view });
    expect(await gang.ended).toEqual([1]);
    // The rank that comes first ends the other one.
    const said = await Promise.all([0, 1].map(async (rank) => findSuspicion(await gang.log(rank, 'err'))?.id));
    expect(said).toContain('schedule-differs');
  });
});

/** A load view on the newest complete checkpoint, made as Temper makes it, and how many torn ones there were. */
async function showNewest({ save }: Gang, view: string): Promise<{ iteration: number | null; torn: number }> {
  await mkdir(save, { recursive: true });
  const names = (await readdir(save)).filter((name) => name.startsWith('iter_')).toSorted();
  let newest: { dir: string; iteration: number } | null = null;
  let torn = 0;
  for (const name of names) {
    const dir = join(save, name);
    const report = await verifyCheckpoint(dir, { layout: megatronLayout, isDeep: true });
    if (report.complete && report.iteration !== null) newest = { dir, iteration: report.iteration };
    else torn += 1;
  }
  if (newest !== null) await makeLoadView(view, newest, simulated.checkpoint);
  return { iteration: newest?.iteration ?? null, torn };
}

/** The last shard of a rank without the entry that holds the paths of the run: weights, moments, schedule, stream. */
async function stateOf({ save }: Gang, rank: number): Promise<Buffer> {
  const shard = await readFile(join(save, `iter_00000${ITERATIONS}`, `__${rank}_0.distcp`));
  // The first item of rank 0 is `args`, as long as its paths are; behind its end record the next archive begins.
  const end = shard.indexOf(Buffer.from('PK\x05\x06'));
  return rank === 0 ? shard.subarray(shard.indexOf(Buffer.from('PK\x03\x04'), end)) : shard;
}

/** Numbers from 0 to 1 that a printed seed gives again (a linear congruential generator). */
function generator(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
