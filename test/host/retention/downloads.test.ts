import { linkSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { claimDownload } from '../../../src/host/download/claim.js';
import { collect, planCollection } from '../../../src/host/retention/collect.js';
import type { LookAtRuns } from '../../../src/host/retention/survey.js';
import { LIMITS, scratchFolder } from '../download/support.js';
import { finishRun, finishStage } from '../models/support.js';

const DAY = 24 * 3_600_000;
const POLICY = { olderThanMs: null, keepRuns: 1, maxBytes: null, keepCheckpoints: null };
const ended: LookAtRuns = async (runs) => new Map(runs.map(({ name }) => [name, null]));
const key = (name: string): string => `sha256-${name.repeat(64)}`;

afterEach(() => {
  vi.useRealTimers();
});

/** The time that a file was touched cannot be set, so the clock goes on. */
function waitDays(days: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY });
}

/** A workspace with two ended runs, of which one stays; `held` is in its output, `given` in that of the other one. */
async function makeWorkspace() {
  const workspace = scratchFolder();
  const at = (name: string): string => join(workspace, 'downloads', name);
  mkdirSync(join(workspace, 'downloads'));
  const bring = (name: string): void => writeFileSync(at(name), name.repeat(100));
  for (const name of [key('a'), key('b'), key('c')]) bring(name);
  for (const [run, file] of [
    ['gone', 'a'],
    ['stays', 'b'],
  ] as const) {
    await finishRun(workspace, run);
    const out = await finishStage(workspace, run, 'weights', `weights-${run}`, 'x');
    linkSync(at(key(file)), join(out, 'hf/shard'));
    // The newest run is the one that is kept.
    utimesSync(join(workspace, 'runs', run), new Date(), new Date());
  }
  return { workspace, at, bring, names: () => readdirSync(join(workspace, 'downloads')).sort() };
}

const downloadsOf = (items: readonly { readonly kind: string; readonly name: string }[]): string[] =>
  items.flatMap(({ kind, name }) => (kind === 'download' ? [name.replace('downloads/', '')] : [])).sort();

describe('downloads', () => {
  it('that an output gives up go with it, those that nobody holds after a day, those in use stay', async () => {
    const { workspace, names } = await makeWorkspace();
    const planned = await planCollection(workspace, POLICY, ended);
    expect(downloadsOf(planned.items)).toEqual([key('a')]);
    const done = await collect(workspace, POLICY, ended);
    expect(downloadsOf(done.items)).toEqual([key('a')]);
    expect(done.totalBytes).toBe(planned.totalBytes);
    expect(names()).toEqual([key('b'), key('c')]);
    waitDays(2);
    expect(downloadsOf((await planCollection(workspace, POLICY, ended)).items)).toEqual([key('c')]);
    expect(downloadsOf((await collect(workspace, POLICY, ended)).items)).toEqual([key('c')]);
    expect(names()).toEqual([key('b')]);
    expect(readdirSync(join(workspace, 'store/weights/weights-stays/out-0001/hf'))).toContain('shard');
  });

  it('count once with the outputs that hold them, and as freed when their last name goes', async () => {
    const { workspace, at, names } = await makeWorkspace();
    const size = 100_000;
    for (const name of ['a', 'b']) writeFileSync(at(key(name)), 'x'.repeat(size));
    const whole = await planCollection(workspace, { ...POLICY, keepRuns: 9 }, ended);
    const without = whole.totalBytes - 2 * size;
    expect(without).toBeGreaterThan(0);
    expect(without).toBeLessThan(size);

    const planned = await planCollection(workspace, POLICY, ended);
    const bytesOf = (kind: string): number =>
      planned.items.filter((item) => item.kind === kind).reduce((sum, { bytes }) => sum + bytes, 0);
    expect(bytesOf('download')).toBe(size);
    expect(bytesOf('output')).toBeLessThan(size);
    const freed = planned.items.reduce((sum, { bytes }) => sum + bytes, 0);
    const done = await collect(workspace, POLICY, ended);
    expect(done.items.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(freed);
    expect(names()).toEqual([key('b'), key('c')]);
    expect((await planCollection(workspace, POLICY, ended)).totalBytes).toBe(whole.totalBytes - freed);
  });

  it.each([
    // Without its download, which goes with it, the older run would not be enough, and the younger one went too.
    ['of the older run and its download suffice', 150_000, ['gone']],
    ['of both are needed', 90_000, ['gone', 'stays']],
    ['are few enough', 250_000, []],
  ])('count for the limit of bytes: those %s', async (_what, maxBytes, runs) => {
    const { workspace, at } = await makeWorkspace();
    for (const name of ['a', 'b']) writeFileSync(at(key(name)), 'x'.repeat(100_000));
    utimesSync(join(workspace, 'runs/gone'), new Date(0), new Date(0));
    for (const name of readdirSync(join(workspace, 'runs/gone'), { recursive: true, encoding: 'utf8' }))
      utimesSync(join(workspace, 'runs/gone', name), new Date(0), new Date(0));
    const { items } = await planCollection(workspace, { ...POLICY, keepRuns: null, maxBytes }, ended);
    expect(items.flatMap(({ kind, name }) => (kind === 'run' ? [name] : [])).sort()).toEqual(
      runs.map((name) => `runs/${name}`),
    );
  });

  it('stay while a run is open that may still fetch', async () => {
    const { workspace, names } = await makeWorkspace();
    waitDays(9);
    const open: LookAtRuns = async (runs) =>
      new Map(runs.map(({ name }) => [name, name === 'stays' ? 'it is blocked' : null]));
    const { items, kept } = await collect(workspace, POLICY, open);
    expect(downloadsOf(items)).toEqual([]);
    expect(kept).toContainEqual({
      run: 'stays',
      why: 'it may not have all that it downloads, so no download is removed',
    });
    expect(names()).toHaveLength(3);
  });

  it('that are partial go a week after the last byte with what stands beside them, unless somebody is at them', async () => {
    const { workspace, bring, at, names } = await makeWorkspace();
    const own = `${key('e')}.0b8cde9e-3cb2-4d3a-9e4a-9d2c8d0c1a51.part`;
    for (const name of [key('d'), key('f'), key('e')].map((one) => `${one}.part`)) bring(name);
    bring(own);
    writeFileSync(at(`${key('d')}.part.json`), '{}');
    // A host that never came back, and a process that is at work.
    mkdirSync(at(`${key('e')}.claim`));
    writeFileSync(at(`${key('e')}.claim/lost.json`), '{}');
    await collect(workspace, { ...POLICY, keepRuns: 9 }, ended);
    expect(names()).toHaveLength(9);
    waitDays(8);
    const claim = await claimDownload(at(`${key('f')}.claim`), LIMITS, AbortSignal.timeout(9_000), async () => false);
    if (claim === null || claim === 'done') throw new TypeError('nobody else stands there');
    const now = new Date();
    for (const name of readdirSync(at(`${key('f')}.claim`))) utimesSync(at(`${key('f')}.claim/${name}`), now, now);
    await collect(workspace, { ...POLICY, keepRuns: 9 }, ended);
    expect(names()).toEqual([key('a'), key('b'), `${key('f')}.claim`, `${key('f')}.part`]);
    await claim.release();
  });
});
