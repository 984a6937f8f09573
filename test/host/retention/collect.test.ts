import { cp, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { promote } from '../../../src/host/models/promote.js';
import { collect, planCollection } from '../../../src/host/retention/collect.js';
import { surveyWorkspace, type LookAtRuns } from '../../../src/host/retention/survey.js';
import { tryClaim } from '../../../src/host/store/claim.js';
import { bundleFixture, runFixture } from '../../support/bundle-fixture.js';
import { finishRun, finishStage } from '../models/support.js';

const SIDE_BY_SIDE = 4;
const NOTHING = { olderThanMs: null, keepRuns: null, maxBytes: null, keepCheckpoints: null };
const look: LookAtRuns = async (runs) =>
  new Map(runs.map(({ name }) => [name, name === 'open' ? 'it is running' : null]));

let root: string;
let collector: string;
let workspace: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'temper-retention-'));
  collector = await bundleFixture(new URL('fixtures/collector.ts', import.meta.url), root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/**
 * `old` trained what `young` reused, `promoted` made the current model, `lone` is needed by nobody, `open` is running,
 * and somebody makes an output that no run has noted yet. Their folders are older in the order of `AGES`.
 */
const AGES = ['old', 'lone', 'promoted', 'open', 'young'];
beforeEach(async () => {
  workspace = join(root, `ws-${(count += 1)}`);
  for (const run of AGES) await finishRun(workspace, run);
  await mkdir(join(workspace, 'runs/old/attempts/0001/ckpt/iter_0000010'), { recursive: true });
  await writeFile(join(workspace, 'runs/old/attempts/0001/ckpt/iter_0000010/shard'), 'x'.repeat(1_000));
  const checkpoint = { checkpoint: 'runs/old/attempts/0001/ckpt/iter_0000010' };
  for (const run of ['old', 'young']) await finishStage(workspace, run, 'train', 'shared', 'trained', checkpoint);
  await mkdir(join(workspace, 'runs/lone/attempts/0001/ckpt/iter_0000010'), { recursive: true });
  await writeFile(join(workspace, 'runs/lone/attempts/0001/ckpt/iter_0000010/shard'), 'x'.repeat(5_000));
  await finishStage(workspace, 'lone', 'train', 'alone', 'trained', {
    checkpoint: 'runs/lone/attempts/0001/ckpt/iter_0000010',
  });
  const by = { by: 'test', why: 'good', fingerprint: null, startedFrom: null, metrics: null };
  await promote({ workspace, model: 'numbers', run: 'promoted', token: null, expected: null, ...by });
  const owner = { workflowId: 'w', firstRunId: 'f', runId: 'r' };
  await tryClaim(join(workspace, 'store/data/begun'), {
    v: 1,
    run: 'open',
    owner,
    host: 'h1',
    tryNumber: 1,
    out: '',
    at: '',
  });
  await ageRuns(workspace);
});

it('keeps what a schedule names, also by another name of the workspace', async () => {
  const all = { ...NOTHING, keepRuns: 0 };
  const kept = async (texts: string[]) => {
    const { kept: stays, items } = await planCollection(workspace, all, look, [{ name: 'nightly', texts }]);
    expect(items.some(({ name }) => name === 'runs/lone')).toBe(!stays.some(({ run }) => run === 'lone'));
    return stays.find(({ run }) => run === 'lone')?.why;
  };
  expect(await kept([])).toBeUndefined();
  expect(await kept([`path:${workspace}/runs/lone/export/hf`])).toBe('schedule nightly uses it');
  expect(await kept([`${workspace}/runs/lone/rows/{{date}}/*.json`])).toBe('schedule nightly uses it');
  const alias = `${workspace}-alias`;
  await symlink(workspace, alias);
  expect(await kept([`path:${alias}/runs/lone/export/hf`])).toBe('schedule nightly uses it');
  await writeFile(join(workspace, 'runs/open/spec.yaml'), `weights: { source: 'path:${alias}/runs/lone/export/hf' }`);
  expect(await kept([])).toBe('run open uses it');
});

async function ageRuns(at: string): Promise<void> {
  for (const [index, run] of AGES.entries()) await age(join(at, 'runs', run), AGES.length - index);
}

async function age(path: string, hours: number): Promise<void> {
  const at = new Date(Date.now() - hours * 3_600_000);
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink()) await utimes(join(entry.parentPath, entry.name), at, at);
  await utimes(path, at, at);
}

const names = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name).sort();
const LONE = ['runs/lone', 'store/export/key-lone', 'store/train/alone', 'store/verify/verify-lone'];

describe('retention', () => {
  it('shows first what it would remove, and removes exactly that', async () => {
    const policy = { ...NOTHING, keepRuns: 1 };
    const planned = await planCollection(workspace, policy, look);
    expect(names(planned.items)).toEqual(LONE);
    expect(planned.kept).toEqual([
      { run: 'promoted', why: 'it made model 1 of numbers' },
      { run: 'old', why: 'store/train/shared, which is needed, names files of it' },
    ]);
    expect(planned.items.find(({ name }) => name === 'runs/lone')?.bytes).toBeGreaterThan(5_000);
    expect(await readdir(join(workspace, 'runs'))).toHaveLength(5);
    const done = await collect(workspace, policy, look);
    expect(done.items).toEqual(expect.arrayContaining([...planned.items]));
    expect(done.items).toHaveLength(planned.items.length);
    await expectNothingNeededGone(workspace);
    expect((await readdir(join(workspace, 'runs'))).sort()).toEqual(['old', 'open', 'promoted', 'young']);
    expect(await readdir(join(workspace, '.trash'))).toEqual([]);
    expect((await collect(workspace, policy, look)).items).toEqual([]);
  });

  it.each([
    ['age', { ...NOTHING, olderThanMs: 2.5 * 3_600_000 }, ['lone']],
    ['age that nothing has', { ...NOTHING, olderThanMs: 9 * 3_600_000 }, []],
    ['count', { ...NOTHING, keepRuns: 4 }, []],
    ['bytes', { ...NOTHING, maxBytes: 0 }, ['lone', 'old', 'young']],
    ['bytes that suffice', { ...NOTHING, maxBytes: 1e9 }, []],
  ])('goes by %s', async (_name, policy, runs) => {
    const { items } = await planCollection(workspace, policy, look);
    expect(
      items
        .filter(({ kind }) => kind === 'run')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(runs.map((run) => `runs/${run}`));
  });

  it('removes the oldest until runs and store are small enough, and no more', async () => {
    const { totalBytes } = await planCollection(workspace, NOTHING, look);
    const { items } = await planCollection(workspace, { ...NOTHING, maxBytes: totalBytes - 100 }, look);
    expect(names(items)).toEqual(LONE);
  });

  it('moves back what somebody took into use while it was being moved', async () => {
    let calls = 0;
    const changing: LookAtRuns = async (runs) => {
      calls += 1;
      // Between the first look and the second, a new run reuses an output that was to go.
      if (calls === 2) {
        await finishRun(workspace, 'late');
        const record = {
          v: 1,
          stage: 'export',
          key: 'key-lone',
          digest: 'd',
          reused: true,
          host: 'h',
          at: '',
          durationMs: 1,
        };
        await writeFile(join(workspace, 'runs/late/stages/export/receipt.json'), JSON.stringify(record));
      }
      return new Map(runs.map(({ name }) => [name, name === 'open' ? 'it is running' : null]));
    };
    const { items } = await collect(workspace, { ...NOTHING, keepRuns: 1 }, changing);
    expect(names(items)).toEqual(LONE.filter((name) => name !== 'store/export/key-lone'));
    expect(await readdir(join(workspace, 'store/export/key-lone'))).toContain('receipt.json');
  });

  it('keeps a run that opens again, with its outputs', async () => {
    let calls = 0;
    const { items } = await collect(workspace, { ...NOTHING, keepRuns: 1 }, async (runs) => {
      calls += 1;
      return new Map(
        runs.map(({ name }) => [name, name === 'open' || (calls > 1 && name === 'lone') ? 'it is running' : null]),
      );
    });
    expect(names(items)).toEqual([]);
    await expectNothingNeededGone(workspace);
  });

  it('touches nothing when nobody can tell which runs are going on', async () => {
    const unknown: LookAtRuns = () => Promise.reject(new Error('the server is away'));
    await expect(collect(workspace, { ...NOTHING, keepRuns: 0 }, unknown)).rejects.toThrow('the server is away');
    expect(await readdir(join(workspace, 'runs'))).toHaveLength(5);
    const silent: LookAtRuns = async () => new Map();
    expect((await collect(workspace, { ...NOTHING, keepRuns: 0 }, silent)).items).toEqual([]);
  });

  it(
    'loses nothing that is needed when it is killed in front of any step, and the next call ends it',
    { timeout: 120_000 },
    async () => {
      const whole = JSON.parse((await runFixture(collector, [await copy(), '1', '0'])) ?? '{}') as {
        steps: number;
        names: string[];
      };
      expect(whole.names).toEqual(LONE);
      expect(whole.steps).toBeGreaterThan(10);
      const kills = Array.from({ length: whole.steps }, (_, index) => index + 1);
      for (let done = 0; done < kills.length; done += SIDE_BY_SIDE) {
        await Promise.all(
          kills.slice(done, done + SIDE_BY_SIDE).map(async (killAt) => {
            const at = await copy();
            expect(await runFixture(collector, [at, '1', String(killAt)]), `step ${killAt}`).toBeNull();
            await expectNothingNeededGone(at);
            await collect(at, { ...NOTHING, keepRuns: 1 }, look);
            await expectNothingNeededGone(at);
            expect((await readdir(join(at, 'runs'))).sort()).toEqual(['old', 'open', 'promoted', 'young']);
            expect(await readdir(join(at, 'store/train'))).toEqual(['shared']);
            expect(await readdir(join(at, '.trash'))).toEqual([]);
          }),
        );
      }
    },
  );
});

async function copy(): Promise<string> {
  const target = join(root, `copy-${(count += 1)}`);
  await cp(workspace, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  // The folders themselves have the time of the copy.
  await ageRuns(target);
  return target;
}

/** All that the staying runs, the promoted model and the claims need is there, with all that it names. */
async function expectNothingNeededGone(at: string): Promise<void> {
  const { runs, outputs, promoted } = await surveyWorkspace(at, look);
  const staying = ['old', 'open', 'promoted', 'young'];
  expect(runs.map(({ name }) => name)).toEqual(expect.arrayContaining(staying));
  const ids = new Set(outputs.map(({ id }) => id));
  const wanted = runs.filter(({ name }) => staying.includes(name)).flatMap((run) => run.outputs);
  for (const id of [...wanted, ...promoted.map(({ output }) => output), 'data/begun']) expect(ids, id).toContain(id);
  expect(promoted).toHaveLength(1);
  for (const { points } of outputs.filter(({ id }) => wanted.includes(id)))
    for (const path of points) expect(await readdir(join(at, path)), path).toEqual(['shard']);
}
