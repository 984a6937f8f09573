import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TEMPER = join(ROOT, 'bin/temper.js');
const TRACE = fileURLToPath(new URL('trace-modules.cjs', import.meta.url));
const WORKER = /\/node_modules\/@temporalio\/(worker|core-bridge)\//;
const CLIENT = /\/node_modules\/@temporalio\/client\//;

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-startup-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly modules: readonly string[];
  readonly elapsedMs: number;
}

/** Runs node with arguments and tells which CommonJS modules it loaded; @temporalio packages are CommonJS. */
async function node(...argv: string[]): Promise<Ran> {
  const trace = join(dir, `${Math.random()}.json`);
  const startedAt = performance.now();
  // Home in the empty folder: no settings of the person, no running dev.
  const env = { PATH: process.env['PATH'], HOME: dir, TEMPER_HOME: dir, TRACE_MODULES: trace };
  const ran = await new Promise<Omit<Ran, 'modules' | 'elapsedMs'>>((resolve) => {
    execFile(process.execPath, ['--require', TRACE, ...argv], { env, cwd: dir }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
  const elapsedMs = performance.now() - startedAt;
  const modules: unknown = JSON.parse(await readFile(trace, 'utf8'));
  return { ...ran, elapsedMs, modules: Array.isArray(modules) ? modules.map(String) : [] };
}

describe('the built command', () => {
  it('shows what the trace finds: the worker loads the worker package', async () => {
    const { modules } = await node(
      '--input-type=module',
      '--eval',
      `await import(${JSON.stringify(join(ROOT, 'dist/worker.js'))})`,
    );
    expect(modules.some((module) => WORKER.test(module))).toBe(true);
  });

  it('status loads the client and never the worker', async () => {
    const { code, stdout, stderr, modules } = await node(TEMPER, 'status');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('error[Unreachable]');
    expect(modules.some((module) => CLIENT.test(module))).toBe(true);
    expect(modules.filter((module) => WORKER.test(module))).toEqual([]);
  });

  it('validate loads nothing of Temporal and answers soon', async () => {
    const runs = [];
    for (let round = 0; round < 3; round += 1)
      runs.push(await node(TEMPER, 'validate', join(ROOT, 'examples/tiny.yaml')));
    for (const { code, modules } of runs) {
      expect(code).toBe(0);
      expect(modules.filter((module) => module.includes('@temporalio'))).toEqual([]);
    }
    // Half a second where nothing else runs; the bar leaves room for a busy machine and still finds a loaded worker tree.
    expect(Math.min(...runs.map(({ elapsedMs }) => elapsedMs))).toBeLessThan(2_000);
  });

  it('names the build command when it has not been built', async () => {
    await cp(join(ROOT, 'bin'), join(dir, 'bin'), { recursive: true });
    await cp(join(ROOT, 'package.json'), join(dir, 'package.json'));
    const { code, stdout, stderr } = await node(join(dir, 'bin/temper.js'), '--version');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('npm start (or npm test) sets everything up; node scripts/build.js builds only');
  });
});
