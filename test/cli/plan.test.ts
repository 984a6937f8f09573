import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlanReportSchema } from '../../src/schemas/host-call.js';
import { renderPlan } from '../../src/cli/render/plan.js';
import { glm45v } from '../../src/recipes/mindspeed-mm/recipe.js';
import { aRun, knowing, temper } from './support.js';

let dir = '';
let runs: Parameters<typeof temper>[1];
const asked: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-plan-'));
  const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
  await writeFile(join(dir, 'glm.yaml'), glm45v.template);
  await writeFile(join(dir, 'tiny'), await read('../../examples/tiny.yaml'));
  const report = PlanReportSchema.parse(JSON.parse(await read('../fixtures/formats/plan-report/v1.json')));
  const planOfRun = (run: string) => Promise.resolve(void asked.push(run)).then(() => report);
  runs = { runs: { ...knowing(aRun({ run: 'tiny' }), aRun({ run: 'nightly-20261126t201108' })), planOfRun } };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('temper plan of many hosts', () => {
  const plan = (...flags: readonly string[]) => temper(['plan', 'glm.yaml', '--offline', ...flags], { cwd: dir });

  it('shows one command of the gang, and no script in an argument', async () => {
    const { status, stdout } = await plan();
    expect(status).toBe(0);
    expect(stdout.split('\n').length).toBeLessThan(60);
    expect(stdout.match(/--node_rank 0 /g)).toHaveLength(1);
    expect(stdout).toMatch(/^ {2}nodes 1 to 7: the same but for --node_rank$/m);
    expect(stdout).toMatch(/^ {2}bash -c '?\(script of \d+ lines\)/m);
    expect(stdout).not.toContain('source_first');
    expect(stdout).toContain('--commands shows all commands');
  });

  it('shows each word of each with --commands', async () => {
    const { stdout } = await plan('--commands');
    for (const rank of [0, 7]) expect(stdout).toContain(`--node_rank ${rank} `);
    expect(stdout).toContain('source_first()');
    expect(stdout).not.toContain('the same but for');
  });
});

describe('the hosts of temper plan', () => {
  const shown = (ready: string[], setAside: { host: string; reason: string }[] = [], spares = 0): string => {
    const fleet = { name: 'default', hosts: 2, spares, ready, setAside };
    const report = { v: 1, run: 'r', recipe: 'x', workspace: '/w', problems: [], warnings: [], stages: [] } as const;
    return renderPlan({ ...report, problems: [], warnings: [], stages: [], host: null, fleet }, (_, one) => one);
  };

  it('are told with those that are missing or set aside', () => {
    expect(shown(['h1', 'h2', 'h3'], [], 1)).toContain('fleet default: 3 ready, 2 and 1 spare wanted: h1, h2, h3\n');
    expect(shown(['h1'], [{ host: 'h2', reason: 'a new fan' }])).toContain(
      'fleet default: 1 ready, 2 wanted: h1\n  set aside: h2 (a new fan)\n  a run waits for 1 more, and parks when',
    );
    expect(shown([])).toContain('fleet default: 0 ready, 2 wanted\n');
    expect(shown(['h1', 'h2'])).not.toContain('waits');
  });
});

describe('the table of temper plan', () => {
  it('comes last, with what does not fit marked, and what is there below', () => {
    const stage = { title: 't', placement: 'oneHost', hosts: 1, key: 'k', willReuse: false, commands: [['run']] };
    const text = renderPlan(
      {
        ...{ v: 1, run: 'r', recipe: 'x', workspace: '/w', problems: [], warnings: [] },
        host: { name: 'h1', diskFreeBytes: 82e9, ramAvailableBytes: 22e9 },
        stages: [
          { ...stage, name: 'weights', diskBytes: 6.3e12, ramBytes: 1e9, willReuse: true },
          { ...stage, name: 'convert', diskBytes: 82e9, ramBytes: 432e9 },
          { ...stage, name: 'train', diskBytes: 6.3e12, ramBytes: 22e9 },
        ],
      },
      (_, one) => one,
    );
    const lines = text.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '));
    expect(lines.slice(-5)).toEqual([
      'STAGE  WHAT  WHERE  DISK  MEMORY',
      'weights  t  one leased host  6.3 TB  1.0 GB  reused',
      'convert  t  one leased host  82 GB  432 GB > 22 GB free  will run',
      'train  t  one leased host  6.3 TB > 82 GB free  22 GB  will run',
      '  free, as h1 sees it  82 GB  22 GB',
    ]);
    // What is done needs no command.
    expect(text).not.toContain('weights runs');
    expect(text).toContain('train runs');
  });
});

describe('temper plan of a run', () => {
  it.each([
    ['tiny', 'tiny'],
    ['nightly', 'nightly-20261126t201108'],
    ['@last', 'tiny'],
  ])('%s is asked of its hosts, by name', async (wanted, run) => {
    asked.length = 0;
    const { stdout, stderr } = await temper(['plan', wanted], runs);
    expect(stderr).toBe('');
    expect(stdout).toContain('STAGE');
    expect(asked).toEqual([run]);
  });

  it('gives way to a file of that name', async () => {
    asked.length = 0;
    expect((await temper(['plan', 'tiny', '--offline'], { ...runs, cwd: dir })).status).toBe(0);
    expect(asked).toEqual([]);
  });

  it.each([['--offline'], ['--run', 'other']])('takes no %s', async (...flags) => {
    const { status, stderr } = await temper(['plan', 'tiny', ...flags], runs);
    expect(status).toBe(2);
    expect(stderr).toContain(`leave ${flags[0] ?? ''} out, or give a spec file`);
  });

  it('of a name that is neither is an error about runs, and of a path one about files', async () => {
    expect((await temper(['plan', 'nobody'], runs)).stderr).toContain('RunNotFound');
    expect((await temper(['plan', './nobody.yaml'], runs)).stderr).toContain('SpecUnreadable');
  });
});
