import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlanReportSchema } from '../../src/schemas/host-call.js';
import { aRun, knowing, temper } from './support.js';

let dir = '';
let runs: Parameters<typeof temper>[1];
const asked: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-plan-'));
  const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
  await writeFile(join(dir, 'tiny'), await read('../../examples/tiny.yaml'));
  const report = PlanReportSchema.parse(JSON.parse(await read('../fixtures/formats/plan-report/v1.json')));
  const planOfRun = (run: string) => Promise.resolve(void asked.push(run)).then(() => report);
  runs = { runs: { ...knowing(aRun({ run: 'tiny' }), aRun({ run: 'nightly-20261126t201108' })), planOfRun } };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

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
