import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { judgeHost } from '../../../src/domain/preflight/judge-host.js';
import { ensureKeeper } from '../../../src/host/keeper/client.js';
import { scratchKey } from '../../../src/host/keeper/names.js';
import { raiseHostFence } from '../../../src/host/fence/host-fence.js';
import { lookAtDisk, lookAtWorkspace, tryToWrite } from '../../../src/host/preflight/disks.js';
import { endLeftovers, lookAtTrainings } from '../../../src/host/preflight/leftovers.js';
import { lookAtSharedMemory, lookAtZones, openFileLimit } from '../../../src/host/preflight/limits.js';
import { lookAtHost, type Preflight } from '../../../src/host/preflight/look-at-host.js';
import { runProbe, runProbes } from '../../../src/host/preflight/run-probe.js';
import type { HostContext } from '../../../src/host/context.js';
import { aLook } from '../../domain/preflight/looks.js';
import { isAlive, request, sh, until, useKeeperBench } from '../keeper/helpers.js';

const root = mkdtempSync(join(tmpdir(), 'temper-preflight-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const bench = useKeeperBench();
// The bench sweeps the scratch folder of each test, so each has one.
beforeEach(() => void bench.scratch());
const isRoot = process.getuid?.() === 0;

describe('leftover processes', () => {
  it('are those of a training whose keeper was killed; ending them leaves none', async () => {
    const keeper = await startTraining('left');
    expect(await lookAtTrainings(bench.scratch())).toMatchObject({
      trainings: [{ keeper: 'left', state: 'running' }],
      leftovers: [],
    });
    const status = await keeper.status();
    if (status.state !== 'running') throw new Error(`it is ${status.state}`);
    process.kill(status.record.keeper.pid, 'SIGKILL');
    const { pid } = status.record.child ?? { pid: 0 };
    await until(() => !isAlive(status.record.keeper.pid));
    const seen = await lookAtTrainings(bench.scratch());
    expect(seen.trainings).toEqual([{ keeper: 'left', state: 'lost' }]);
    expect(seen.leftovers.map((one) => one.pid)).toContain(pid);
    expect(judgeHost(aLook(seen)).find(({ id }) => id === 'processes')).toMatchObject({ status: 'fail' });
    await endLeftovers(bench.scratch());
    expect(isAlive(pid)).toBe(false);
    expect((await lookAtTrainings(bench.scratch())).leftovers).toEqual([]);
  });

  it('are those without any record as well, of this scratch folder only', async () => {
    const env = {
      ...process.env,
      TEMPER_KEEPER_ID: 'gone.train.h00.1',
      TEMPER_SCRATCH_DIR: scratchKey(bench.scratch()),
    };
    const child = spawn('sleep', ['60'], { env, stdio: 'ignore' });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(async () => (await lookAtTrainings(bench.scratch())).leftovers.length).toBe(1);
    expect((await lookAtTrainings(bench.scratch())).leftovers).toMatchObject([
      { pid: child.pid, keeper: 'gone.train.h00.1' },
    ]);
    expect((await lookAtTrainings(join(root, 'other'))).leftovers).toEqual([]);
    await endLeftovers(bench.scratch());
    await exited;
    expect(child.signalCode).toBe('SIGKILL');
  });
});

describe('disks', () => {
  it('are written to, and nothing stays', async () => {
    const dir = mkdtempSync(join(root, 'disk-'));
    expect(await tryToWrite(dir, 3_000_001)).toEqual({ bytes: 3_000_001 });
    expect(await lookAtDisk(dir)).toMatchObject({ path: dir, freeBytes: expect.any(Number) });
    expect(readdirSync(dir)).toEqual([]);
  });

  it.runIf(isRoot)('that are full refuse it, and inodes that are used up are seen', async () => {
    const dir = mkdtempSync(join(root, 'small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,nr_inodes=40', 'tmpfs', dir]);
    try {
      expect(await tryToWrite(dir, 8_000_000)).toMatchObject({ refused: expect.stringContaining('ENOSPC') });
      expect(readdirSync(dir)).toEqual([]);
      const scratch = await lookAtDisk(dir);
      const failed = judgeHost(aLook({ scratch })).filter(({ status }) => status === 'fail');
      expect(failed.map(({ id }) => id)).toEqual(['scratch-disk', 'scratch-inodes']);
    } finally {
      execFileSync('umount', [dir]);
    }
  });
});

describe('the workspace', () => {
  it('is usable, missing, or refuses, and holds nothing new', async () => {
    const dir = mkdtempSync(join(root, 'w-'));
    expect(await lookAtWorkspace(dir)).toMatchObject({ state: 'usable', disk: { path: dir } });
    expect(readdirSync(dir)).toEqual([]);
    expect(await lookAtWorkspace(join(dir, 'a', 'b'))).toEqual({ state: 'missing', parent: dir });
    writeFileSync(join(dir, 'file'), '');
    expect(await lookAtWorkspace(join(dir, 'file'))).toMatchObject({ state: 'missing', parent: dir });
  });

  it.runIf(isRoot)('that is mounted to be read only refuses to be written', async () => {
    const dir = mkdtempSync(join(root, 'ro-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', dir]);
    try {
      expect(await lookAtWorkspace(dir)).toMatchObject({ state: 'refused', step: 'writing a file' });
    } finally {
      execFileSync('umount', [dir]);
    }
  });

  it('that does not answer is given up', async () => {
    const startedAt = performance.now();
    const look = await lookAtWorkspace(root, { limitMs: 200, stat: sh('sleep 60') });
    expect(look).toEqual({ state: 'hangs', limitMs: 200 });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('limits', () => {
  it('of open files are those of this process', () => {
    const before = openFileLimit();
    const set = (limit: number): unknown =>
      execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:`]);
    set(700);
    try {
      expect(openFileLimit()).toBe(700);
      expect(judgeHost(aLook({ openFiles: openFileLimit() })).find(({ id }) => id === 'open-files')).toMatchObject({
        status: 'fail',
      });
    } finally {
      set(before ?? 1_024);
    }
  });

  it('of shared memory are seen', async () => {
    expect(await lookAtSharedMemory()).toMatchObject({ totalBytes: expect.any(Number) });
    expect(await lookAtSharedMemory(join(root, 'missing'))).toMatchObject({
      unseen: expect.stringContaining('ENOENT'),
    });
  });

  it('tell the time zone of ranks beside that of the worker', async () => {
    const same = await lookAtZones({});
    expect(same).toEqual({ ranks: expect.stringMatching(/^[+-]\d{4}$/), worker: expect.any(String) });
    expect('ranks' in same && same.ranks === same.worker).toBe(true);
    expect(await lookAtZones({ TZ: 'TEMPER-05:30' })).toMatchObject({ ranks: '+0530' });
  });
});

describe('probes', () => {
  it('end, are missing, or are given up with all that they started', async () => {
    expect(await runProbe({ id: 'a', argv: sh('echo out; echo err >&2; exit 3'), timeoutMs: 5_000 })).toEqual({
      state: 'ended',
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await runProbe({ id: 'b', argv: ['temper-no-such-tool'], timeoutMs: 5_000 })).toMatchObject({
      state: 'missing',
    });
    const file = join(root, 'pid');
    const hung = await runProbe({ id: 'c', argv: sh(`sleep 60 & echo $! > ${file}; wait`), timeoutMs: 500 });
    expect(hung).toMatchObject({ state: 'hung', code: null });
    const pid = Number(execFileSync('cat', [file], { encoding: 'utf8' }));
    await until(() => !isAlive(pid));
  });

  it('of one machine never run side by side', async () => {
    const dir = join(root, 'alone');
    const alone = { id: 'a', argv: sh(`mkdir ${dir} && sleep 0.2 && rmdir ${dir}`), timeoutMs: 5_000 };
    const all = await Promise.all([runProbes([alone]), runProbes([alone]), runProbes([alone])]);
    expect(all.map((outputs) => outputs.get('a')?.code)).toEqual([0, 0, 0]);
    const impatient = await Promise.all([runProbes([alone]), runProbes([alone], 10)]);
    expect(impatient.map((outputs) => outputs.get('a')?.state ?? '').sort((a, b) => a.localeCompare(b))).toEqual([
      'busy',
      'ended',
    ]);
  });
});

describe('the look at a host', () => {
  const quick: Preflight = {
    depth: 'quick',
    isLaunch: true,
    workspace: root,
    needs: { diskBytes: 1, ramBytes: 1 },
    lease: 7,
    masterPorts: [],
    training: null,
  };

  it('takes less than a second before a relaunch, and sees the fence', async () => {
    const elapsed: number[] = [];
    // What else the machine does makes single looks slower, and none of them faster.
    while (elapsed.length < 3) {
      const startedAt = performance.now();
      const { checks } = await lookAtHost(context(), quick);
      elapsed.push(performance.now() - startedAt);
      expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    }
    expect(Math.min(...elapsed), elapsed.join(', ')).toBeLessThan(1_000);
    await raiseHostFence(bench.scratch(), { run: 'other', attempt: 1, lease: 8 });
    const fenced = await lookAtHost(context(), quick);
    expect(fenced.checks.filter(({ status }) => status === 'fail')).toMatchObject([{ id: 'fence', fault: 'fenced' }]);
  });

  it('asks the recipe for ports, probes and checks', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const recipe: NonNullable<Preflight['training']>['recipe'] = {
      id: 'own',
      preflight: {
        ports: () => [port],
        probes: ({ host }) => [{ id: 'devices', argv: ['echo', `16 devices on ${host}`], timeoutMs: 5_000 }],
        judge: (outputs, { depth }) => ({
          checks: [
            {
              id: 'own/devices',
              status: 'fail',
              fault: 'host',
              what: `${depth}: ${outputs.get('devices')?.stdout.trim()}`,
              where: 'here',
            },
          ],
          facts: { devices: '16' },
        }),
      },
    };
    // Safe: the recipe of this test reads neither spec nor tools.
    const training = { recipe, spec: { train: { env: {} } }, tools: { python: 'python3' } } as unknown as NonNullable<
      Preflight['training']
    >;
    const { checks, facts } = await lookAtHost(context(), { ...quick, training });
    expect(checks.filter(({ status }) => status === 'fail').map(({ id, what }) => [id, what])).toEqual([
      ['ports', expect.stringContaining(String(port))],
      ['own/devices', 'quick: 16 devices on h1'],
    ]);
    expect(facts.recipe).toEqual({ devices: '16' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('makes no folder for a person who asks, and measures the workspace', async () => {
    const dir = mkdtempSync(join(root, 'doctor-'));
    mkdirSync(join(dir, 'w'));
    const full: Preflight = { ...quick, depth: 'full', isLaunch: false, lease: null, workspace: join(dir, 'w') };
    const { checks, facts } = await lookAtHost({ ...context(), scratch: join(dir, 'scratch') }, full);
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(facts.bandwidth?.writeBytesPerSecond).toBeGreaterThan(0);
    expect([readdirSync(dir), readdirSync(join(dir, 'w'))]).toEqual([['w'], []]);
  });
});

function context(): HostContext {
  return {
    name: 'h1',
    fleet: 'f',
    scratch: bench.scratch(),
    address: '127.0.0.1',
    keeperBundle: '',
    programsRoot: '',
    tools: { python: '', node: '', temper: '', cpus: 1 },
  };
}

async function startTraining(id: string) {
  const labels = { run: 'r', stage: 'train', host: 'h1' };
  return ensureKeeper(bench.scratch(), bench.bundle(), request(sh('sleep 60'), { id, labels }));
}
