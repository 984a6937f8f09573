import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listKeepers } from '../../src/host/keeper/client.js';
import { DoctorReportSchema, type DoctorReport } from '../../src/schemas/preflight.js';
import { ASCEND_BIN, type AscendState } from '../support/ascend/fake-tools.js';
import { glmSpec } from '../support/glm-spec.js';
import { startDev, type Dev } from './support/dev.js';
import { follow, start } from './support/runs.js';
import { simulatedSpec } from './support/simulated-spec.js';

const TEMPER = join(resolve(import.meta.dirname, '../..'), 'bin/temper.js');

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its status. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((done) => {
    execFile(program, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      done({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
}

describe('commands for operators through a real temper dev with two hosts', { timeout: 120_000 }, () => {
  let dev: Dev;
  let dir: string;
  let workspace: string;
  const cli = (...args: readonly string[]) => run(process.execPath, [TEMPER, ...args], { TEMPER_HOME: dev.home });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'temper-operators-'));
    await show({});
    vi.stubEnv('PATH', [ASCEND_BIN, process.env['PATH'] ?? ''].join(delimiter));
    vi.stubEnv('FAKE_ASCEND_STATE', join(dir, 'ascend.json'));
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
    await mkdir(workspace, { recursive: true });
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await dev?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  /** What the fake tools of both hosts show from now on. */
  async function show(state: AscendState): Promise<void> {
    await writeFile(join(dir, 'ascend.json'), JSON.stringify({ devices: 4, product: 'a2', ...state }));
  }

  async function doctor(): Promise<{
    readonly status: number;
    readonly report: DoctorReport;
    readonly wrong: string[];
  }> {
    const spec = join(dir, 'glm.yaml');
    await writeFile(spec, glmSpec(workspace, { npusPerHost: 4, train: ['dataLoader: { workers: 1 }'] }));
    const { status, stdout } = await cli('doctor', '--all', '--spec', spec, '-o', 'json');
    const report = DoctorReportSchema.parse(JSON.parse(stdout));
    const wrong = report.checks.filter(({ id, status: found }) => id.startsWith('npu/') && found === 'fail');
    return { status, report, wrong: wrong.map(({ id, where, what }) => `${id} ${where}: ${what}`) };
  }

  it('temper doctor --all looks at the devices of every host and compares them', async () => {
    const { status, report, wrong } = await doctor();
    expect(report.hosts).toEqual(['laptop-1', 'laptop-2']);
    expect(wrong).toEqual([]);
    // What else this machine lacks is not this test's.
    expect(status).toBe(report.ok ? 0 : 1);
    const ids = (host: string) => report.checks.filter(({ where }) => where.startsWith(host)).map(({ id }) => id);
    for (const host of report.hosts) {
      expect(ids(host)).toEqual(
        expect.arrayContaining(['npu/tools', 'npu/devices', 'npu/health', 'npu/memory', 'npu/processes', 'npu/link']),
      );
    }
    const together = report.checks.filter(({ where }) => where === 'laptop-1, laptop-2').map(({ id }) => id);
    expect(together).toEqual(
      expect.arrayContaining(['versions', 'npu/same-devices', 'npu/same-versions', 'npu/same-tls']),
    );
  });

  it('exits 1 and says what is wrong on which host, and what only both together tell', async () => {
    await show({ health: { 3: 'Alarm' }, tls: { 1: 1 }, superPod: { id: 7, serverIndex: 4 } });
    const { status, report, wrong } = await doctor();
    expect([status, report.ok]).toEqual([1, false]);
    const onEach = [
      'npu/health %: device 3 (NPU 3 chip 0) is Alarm',
      'npu/tls %: TLS is on for device 1 and off for the others',
    ];
    for (const host of report.hosts) {
      for (const line of onEach) expect(wrong).toContain(line.replace('%', host));
    }
    expect(wrong).toContainEqual(
      expect.stringMatching(/^npu\/super-pods .+laptop-1, laptop-2 claim serverIndex 4 of super pod 7/),
    );
  });

  it('temper render RUN writes scripts that start what Temper started', async () => {
    const name = await start(dev.client, simulatedSpec({ name: 'sim', workspace, env: { SIM_STEP_MS: 0 } }));
    expect(await follow(dev.client, name)).toMatchObject({ state: 'done' });
    const out = join(dir, 'rendered');
    const { status, stderr } = await cli('render', name, '--output', out, '--from', 'train');
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    for (const [rank, host] of ['laptop-1', 'laptop-2'].entries()) {
      const keeper = listKeepers(join(dev.home, 'hosts', host)).find(({ id }) =>
        id.startsWith(`sim.train.h0${rank}.1-`),
      );
      const started = keeper?.request();
      if (started === undefined || started === null) throw new Error(`no training of ${host} is on record`);
      const rendered = await wordsOf(dir, join(out, `05-train-${host}.sh`));
      expect(leaveOut(rendered.argv)).toEqual(leaveOut(started.argv));
      expect(rendered.env).toEqual(started.env);
      expect(valueOf(rendered.argv, '--save')).toBe(join(workspace, 'rendered/sim/train/ckpt'));
      expect(valueOf(rendered.argv, '--log-dir')).toBe(rendered.cwd);
      expect(rendered.cwd.startsWith(join(dev.home, 'hosts', host))).toBe(true);
    }
  });
});

/** Folders and port of an attempt, which a script has its own of. */
const OWN_PLACES = ['--load', '--save', '--log-dir', '--tensorboard-dir', '--master_port'];

function leaveOut(argv: readonly string[]): readonly string[] {
  return argv.map((word, index) => (OWN_PLACES.includes(argv[index - 1] ?? '') ? 'its own' : word));
}

function valueOf(argv: readonly string[], flag: string): string | undefined {
  return argv[argv.indexOf(flag) + 1];
}

/** What a script would start: a stand-in for env(1) tells its words instead. */
async function wordsOf(
  dir: string,
  script: string,
): Promise<{ env: Record<string, string>; argv: string[]; cwd: string }> {
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'env'), `#!/bin/bash\nprintf '%s\\0' "$PWD" "$@" > ${join(dir, 'words')}\n`, {
    mode: 0o755,
  });
  const ran = await run('bash', [script], { PATH: [bin, process.env['PATH'] ?? ''].join(delimiter) });
  if (ran.status !== 0) throw new Error(ran.stderr);
  const [cwd = '', ...words] = (await readFile(join(dir, 'words'), 'utf8')).split('\0').slice(0, -1);
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  const env = words
    .slice(0, first)
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const);
  return { cwd, argv: words.slice(first), env: Object.fromEntries(env) };
}
