import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isUsable } from '../../../src/domain/checkpoints/ledger.js';
import { proveSaved } from '../../../src/host/ledger/prove.js';
import { readLedger } from '../../../src/host/ledger/store.js';
import { collect, planCollection } from '../../../src/host/retention/collect.js';
import type { LookAtRuns } from '../../../src/host/retention/survey.js';
import { recordStage, runDir } from '../../../src/host/run/run-folder.js';
import { CONTRACT, receive, save } from '../ledger/support.js';
import { bundleFixture, runFixture } from '../../support/bundle-fixture.js';

const SIDE_BY_SIDE = 4;
const POLICY = { olderThanMs: null, keepRuns: null, maxBytes: null, keepCheckpoints: 1 };
const look: LookAtRuns = async (runs) =>
  new Map(runs.map(({ name }) => [name, name === 'open' ? 'it is running' : null]));
/** Folder of a checkpoint, relative to the workspace. */
const at = (attempt: number, iteration: number, run = 'tiny'): string =>
  `runs/${run}/attempts/000${attempt}/ckpt/iter_000000${iteration}`;

let root: string;
let collector: string;
let workspace: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'temper-checkpoints-'));
  collector = await bundleFixture(new URL('fixtures/collector.ts', import.meta.url), root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/**
 * `tiny` has ended after two attempts with two checkpoints each, the first of which a receipt names; `open` trains and
 * has two. One newer checkpoint is kept, so two of `tiny` go.
 */
beforeEach(async () => {
  workspace = join(root, `ws-${(count += 1)}`);
  for (const [run, attempt] of [
    ['tiny', 1],
    ['tiny', 2],
    ['open', 1],
  ] as const) {
    const training = { workspace, run, key: 'k' };
    await save(training, attempt, [2, 4]);
    expect((await proveSaved(training, { attempt, upTo: 4 }, CONTRACT)).refused).toEqual([]);
  }
  await receive({ workspace, run: 'tiny', key: 'k' }, at(1, 2));
  const facts = { digest: 'd', reused: false, host: 'h1', at: '2026-11-23T10:00:00.000Z', durationMs: 1 };
  await recordStage(workspace, 'tiny', { v: 1, stage: 'train', key: 'k', ...facts }, join(workspace, at(1, 2)));
});

const GOING = [at(1, 4), at(2, 2)];
const names = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name).sort();

/** What the ledgers offer is whole, and what somebody needs is offered. */
async function expectNothingNeededGone(folder: string): Promise<void> {
  for (const run of ['tiny', 'open']) {
    const { checkpoints } = await readLedger(runDir(folder, run));
    const usable = checkpoints.filter(isUsable).map(({ dir }) => `runs/${run}/${dir}`);
    for (const dir of usable) expect(await readdir(join(folder, dir)), dir).toContain('.metadata');
    expect(usable).toEqual(
      expect.arrayContaining(run === 'tiny' ? [at(1, 2), at(2, 4)] : [at(1, 2, 'open'), at(1, 4, 'open')]),
    );
  }
}

describe('retention of the checkpoints of ended runs', () => {
  it('shows first what goes, removes exactly that, and frees its bytes', async () => {
    const planned = await planCollection(workspace, POLICY, look);
    expect(names(planned.items)).toEqual(GOING);
    for (const { bytes, kind } of planned.items)
      expect({ kind, isLarge: bytes > 10_000 }).toEqual({ kind: 'checkpoint', isLarge: true });
    const done = await collect(workspace, POLICY, look);
    expect(done.items).toEqual(planned.items);
    await expectNothingNeededGone(workspace);
    expect(GOING.map((dir) => existsSync(join(workspace, dir)))).toEqual([false, false]);
    expect((await planCollection(workspace, POLICY, look)).items).toEqual([]);
    expect((await collect(workspace, POLICY, look)).items).toEqual([]);
  });

  it('counts no receipt that goes as well, in what it shows as in what it does', async () => {
    await rm(join(workspace, 'runs/tiny/stages'), { recursive: true });
    const planned = await planCollection(workspace, POLICY, look);
    expect(names(planned.items)).toEqual([at(1, 2), ...GOING, 'store/train/k']);
    expect(names((await collect(workspace, POLICY, look)).items)).toEqual(names(planned.items));
  });

  it('goes by age as by count, with the reason, and a longer age keeps all', async () => {
    const aged = (checkpointsOlderThanMs: number) => ({ ...POLICY, keepCheckpoints: null, checkpointsOlderThanMs });
    expect((await planCollection(workspace, aged(3_600_000), look)).items).toEqual([]);
    const planned = await planCollection(workspace, aged(0), look);
    expect(names(planned.items)).toEqual(GOING);
    expect(planned.items.map(({ why }) => why)).toEqual(Array(2).fill('it was proven longer ago than the limit'));
    expect((await collect(workspace, aged(0), look)).items).toEqual(planned.items);
    await expectNothingNeededGone(workspace);
  });

  it('keeps what the spec of another run starts from, which may still wait for hosts', async () => {
    await mkdir(join(workspace, 'runs/next'), { recursive: true });
    const spec = `train: { fromCheckpoint: '${join(workspace, at(1, 4))}' }\n`;
    await writeFile(join(workspace, 'runs/next/spec.yaml'), spec);
    expect(names((await planCollection(workspace, POLICY, look)).items)).toEqual([at(2, 2)]);
    expect(names((await collect(workspace, POLICY, look)).items)).toEqual([at(2, 2)]);
    expect(existsSync(join(workspace, at(1, 4)))).toBe(true);
  });

  it(
    'loses nothing that is needed when it is killed in front of any step, and the next call ends it',
    { timeout: 120_000 },
    async () => {
      const whole = await runFixture(collector, [await copy(), '-', '0', '1']);
      const { steps, names: removed } = JSON.parse(whole ?? '{}') as { steps: number; names: string[] };
      expect(removed).toEqual(GOING);
      expect(steps).toBeGreaterThan(10);
      const kills = Array.from({ length: steps }, (_, index) => index + 1);
      for (let done = 0; done < steps; done += SIDE_BY_SIDE) {
        await Promise.all(
          kills.slice(done, done + SIDE_BY_SIDE).map(async (killAt) => {
            const folder = await copy();
            expect(await runFixture(collector, [folder, '-', String(killAt), '1']), `step ${killAt}`).toBeNull();
            await expectNothingNeededGone(folder);
            await collect(folder, POLICY, look);
            await expectNothingNeededGone(folder);
            expect(
              GOING.filter((dir) => existsSync(join(folder, dir))),
              `step ${killAt}`,
            ).toEqual([]);
            for (const attempt of ['0001', '0002'])
              expect((await readdir(join(folder, 'runs/tiny/attempts', attempt))).sort()).toEqual([
                'attempt.json',
                'ckpt',
              ]);
          }),
        );
      }
    },
  );
});

async function copy(): Promise<string> {
  const target = join(root, `copy-${(count += 1)}`);
  await cp(workspace, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return target;
}
