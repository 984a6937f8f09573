import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applySets } from '../../src/domain/spec/edit-spec.js';
import { assertResources } from '../../src/host/resources.js';
import { closeComparison, compareTokens, leaveTokens } from '../../src/host/preflight/compare.js';
import { planFromText } from '../../src/recipes/plan-from-text.js';
import { glm45v } from '../../src/recipes/mindspeed-mm/recipe.js';
import { theFacts } from '../domain/preflight/looks.js';
import { openFakeSite, perform, type FakeSite, type Performed } from './support/fake-site.js';
import { launchOf, trainOn, type Trained } from './support/fake-gang.js';

let site: FakeSite;
let convert: Performed['output'];
let data: Performed['output'];

beforeAll(async () => {
  site = await openFakeSite();
  const { output: weights } = await perform(site, 'weights');
  ({ output: convert } = await perform(site, 'convert', { weights }));
  ({ output: data } = await perform(site, 'data'));
}, 120_000);
afterAll(async () => {
  await site?.remove();
}, 60_000);
beforeEach(() => site.faults());

type Options = Parameters<typeof trainOn>[1];
const inputs = (): Pick<Options, 'load' | 'hf' | 'data'> => ({
  ...{ load: convert.outputs['dcp'] ?? '', hf: convert.outputs['hf'] ?? '', data },
});
const train = (over: Partial<Options> = {}): Promise<Trained> => trainOn(site, { ...inputs(), ...over });
const said = ({ log }: Trained): string => [0, 1, 2, 3].map((rank) => log(rank, 'err')).join('');
/** Long enough for ranks that get anywhere; then a training that waits for ever is ended. */
const WAITS = { endAfterMs: 8_000 };
const replaced = (flag: string, value: (node: number) => string) => ({
  argv: (argv: readonly string[], node: number) => argv.map((word, at) => (argv[at - 1] === flag ? value(node) : word)),
});

describe('hosts that do not fit together', { timeout: 60_000 }, () => {
  const compare = async (placeOf: (host: string) => { workspace: string; scratch: string }) => {
    const hosts = ['h0', 'h1'].map((host) => ({ host, round: 'round-0001', ...placeOf(host) }));
    for (const { workspace, scratch } of hosts)
      for (const dir of [workspace, scratch]) mkdirSync(dir, { recursive: true });
    for (const one of hosts) await leaveTokens(one, theFacts(one.host));
    const seen = await Promise.all(hosts.map((one) => compareTokens(one, ['h0', 'h1'], 300)));
    for (const one of hosts) await closeComparison(one, ['h0', 'h1']);
    return new Set(seen.flat().flatMap(({ id, status }) => (status === 'fail' ? [id] : [])));
  };

  it('L2: a tracker that one host does not see: all wait for ever; preflight reads on each what the others wrote', async () => {
    site.faults(...[2, 3].map((rank) => ({ kind: 'unseen-tracker', rank })));
    const { statuses, reading, iterations } = await train(WAITS);
    expect({ statuses, iterations, fatal: reading.fatal }).toEqual({
      ...{ statuses: [null, null], iterations: [], fatal: null },
    });
    const dir = join(site.root, 'unshared');
    const failed = await compare((host) => ({ workspace: join(dir, `w-${host}`), scratch: join(dir, host) }));
    expect(failed).toContain('workspace-shared');
  });

  it('L12: one folder of caches for all hosts: a broken file; each launch has its own, and preflight looks', async () => {
    const shared = join(site.root, 'one-cache');
    const file = (path: string, content: string) =>
      path.endsWith('data.json') ? content.replace(/"cache_dir": "[^"]*"/, `"cache_dir": "${shared}"`) : content;
    const training = await train({ change: { file } });
    expect(training.statuses).toContain(1);
    expect(said(training)).toContain('Not an Arrow file');
    expect(training.log(0, 'out')).toContain('> load model successfully');
    const folders = [0, 1].map((node) => {
      const own = launchOf(site, inputs(), node).files.find(({ path }) => path.endsWith('data.json'));
      return /"cache_dir": "([^"]*)"/.exec(own?.content ?? '')?.[1];
    });
    expect(new Set(folders).size).toBe(2);
    const dir = join(site.root, 'one-scratch');
    expect(await compare(() => ({ workspace: join(dir, 'w'), scratch: join(dir, 's') }))).toContain('scratch-private');
  });

  it('L15: a rank given twice, or localhost on two hosts: all wait; a launch counts ranks and refuses localhost', async () => {
    const { statuses, iterations } = await train({ change: replaced('--node_rank', () => '1'), ...WAITS });
    expect(iterations).toEqual([]);
    expect(statuses).not.toContain(0);
    const ranks = [0, 1].map((node) => {
      const { argv } = launchOf(site, inputs(), node);
      return argv[argv.indexOf('--node_rank') + 1];
    });
    expect(ranks).toEqual(['0', '1']);
    expect(() => launchOf(site, inputs(), 1, 'localhost')).toThrow('2 hosts cannot meet at localhost');
  });
});

describe('a launch by hand', { timeout: 60_000 }, () => {
  it('L9: rows that take longer than torch waits: a launch computes the time from the rows', async () => {
    site.faults({ kind: 'slow-rows', rank: 'all', minutes: 25 });
    const late = await train({ change: replaced('--distributed-timeout-minutes', () => '10') });
    expect(late.statuses).toContain(1);
    expect(said(late)).toContain('timed out after 600000ms');
    expect(late.log(0, 'out')).toContain('> load model successfully');
    // As many rows as the guide has, at the estimated speed: 25 minutes are within twice that.
    const rows = 150_000;
    const { statuses, reading } = await train({ checkedRows: rows });
    expect(statuses, late.launcher(0)).toEqual([0, 0]);
    expect(reading).toMatchObject({ hasEnded: true, fatal: null });
  });

  it('L19: a comment behind a backslash becomes arguments: a launch is an array of words without one', async () => {
    const argv = (words: readonly string[]) =>
      words.flatMap((word) => (word === '--no-load-rng' ? [word, '#', '不加载'] : [word]));
    const late = await train({ change: { argv } });
    expect(late.statuses).toContain(1);
    expect(said(late)).toContain('unrecognized arguments: # 不加载');
    for (const node of [0, 1]) {
      // Behind the shell text that sources the toolkit.
      const { argv: made } = launchOf(site, inputs(), node);
      expect(made.slice(made.indexOf('-m')).join(' ')).not.toMatch(/[#\\\n]/);
    }
  });

  it('L13: one save at the end: what comes before it is lost with any failure; the plan refuses it', async () => {
    site.faults({ kind: 'exit', rank: 3, iteration: 6, code: 1 });
    const late = await train({ change: replaced('--save-interval', () => '6') });
    expect(late.reading).toMatchObject({ saved: null, hasEnded: false, last: { iteration: 5 } });
    const { text } = applySets(site.fleet.spec, [{ path: 'train.checkpoint.every', value: '6' }]);
    const { plan, problems } = planFromText(text, 'r', []);
    expect(plan).toBe(null);
    expect(JSON.stringify(problems)).toContain('train/one-checkpoint');
  });
});

describe('a stage that has to be done before', { timeout: 60_000 }, () => {
  it('L14: too little memory or disk: the kernel ends a converter without a word; both stages ask before they start', async () => {
    // A model that no machine holds.
    const weights = { dir: '/', facts: { bytes: 1e16 }, outputs: { hf: '/hf' } };
    const train = { dir: '/', facts: {}, outputs: { checkpoint: '/ckpt/iter_0000006' } };
    for (const stage of ['convert', 'export'] as const) {
      const { resources } = glm45v.work(stage, {
        ...{ spec: site.spec, tools: site.tools, out: '/out', inputs: { weights, convert, train } },
      });
      expect(resources?.ramBytes).toBeGreaterThan(1e16);
      await expect(assertResources(site.root, resources ?? { diskBytes: 0, ramBytes: 0 })).rejects.toMatchObject({
        problem: { code: 'DiskTooSmall' },
      });
      await expect(
        assertResources(site.root, { diskBytes: 0, ramBytes: resources?.ramBytes ?? 0 }),
      ).rejects.toMatchObject({ problem: { code: 'RamTooSmall' } });
    }
    site.faults({ kind: 'convert-killed' });
    const { output: small } = await perform(site, 'weights');
    expect((await perform(site, 'convert', { weights: small })).failed).toContain('SIGKILL');
  });

  it('L17: an output of the data that exists: written anew, and whole', async () => {
    const rows = data.outputs['rows.0'] ?? '';
    const whole = readFileSync(rows, 'utf8');
    // What a conversion leaves that was killed: upstream then ends with FileExistsError for ever.
    writeFileSync(rows, whole.slice(0, 100));
    const again = await perform(site, 'data', {}, site.spec, data.dir);
    expect(again.failed).toBe(null);
    expect(readFileSync(again.output.outputs['rows.0'] ?? '', 'utf8')).toBe(whole);
  });
});
