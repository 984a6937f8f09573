import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { announcedMachineId } from '../../src/host/probe.js';
import { DoctorReportSchema, type DoctorReport, type PreflightCheck } from '../../src/schemas/preflight.js';
import type { FleetState } from '../../src/schemas/host.js';
import { ASCEND_BIN, ascendEnv } from '../support/ascend/fake-tools.js';
import { glmSpec } from '../support/glm-spec.js';
import { temper } from './support.js';

const root = mkdtempSync(join(tmpdir(), 'temper-doctor-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('temper doctor on this machine', () => {
  it('prints one line per check and the sum, exits 0, and leaves nothing', async () => {
    const dir = mkdtempSync(join(root, 'well-'));
    const { status, stdout } = await temper(['doctor', '--scratch', join(dir, 'scratch')]);
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^(ok|warn|skipped) +[a-z-]+ {2}\S+: /);
    expect(lines.at(-1)).toMatch(/^1 host: \d+ ok/);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('looks at the workspace of a spec, and exits 1 with the fix when a check failed', async () => {
    const dir = mkdtempSync(join(root, 'sick-'));
    mkdirSync(join(dir, 'w'));
    const spec = join(dir, 'spec.yaml');
    writeFileSync(spec, specFor(join(dir, 'w')));
    const args = ['doctor', '--local', '--scratch', join(dir, 'scratch'), '--spec', spec];
    const well = await temper([...args, '-o', 'json']);
    const report = DoctorReportSchema.parse(JSON.parse(well.stdout));
    expect(well.status).toBe(0);
    expect(report.ok).toBe(true);
    expect(report.checks.map(({ id }) => id)).toContain('workspace-bandwidth');
    // A network for documentation (RFC 5737), which no machine has.
    const sick = await temper([...args, '--train-address', '192.0.2.1']);
    expect(sick.status).toBe(1);
    expect(sick.stdout).toMatch(/^fail +address .+192\.0\.2\.1.+fix: .+--train-address/m);
    expect(readdirSync(join(dir, 'w'))).toEqual([]);
  });

  it("makes the checks of the spec's recipe as well, and asks for a spec where there is none", async () => {
    const dir = mkdtempSync(join(root, 'devices-'));
    mkdirSync(join(dir, 'w'));
    const spec = join(dir, 'spec.yaml');
    writeFileSync(spec, glmSpec(join(dir, 'w')));
    vi.stubEnv('PATH', [ASCEND_BIN, process.env['PATH'] ?? ''].join(delimiter));
    vi.stubEnv(
      'FAKE_ASCEND_STATE',
      ascendEnv({ product: 'a2', health: { 1: 'Critical' }, isRoot: false }).FAKE_ASCEND_STATE,
    );
    onTestFinished(() => void vi.unstubAllEnvs());
    const args = ['doctor', '--local', '--scratch', join(dir, 'scratch')];
    const { status, stdout } = await temper([...args, '--spec', spec]);
    expect(status).toBe(1);
    const line = (id: string) => stdout.split('\n').find((one) => one.includes(`${id}  `));
    expect(line('npu/devices')).toMatch(/^ok .+8 devices of Atlas A2, 2 are wanted/);
    expect(line('npu/health')).toMatch(
      /^fail .+device 1 \(NPU 1 chip 0\) is Critical \(.+\); fix: npu-smi info -t health/,
    );
    expect(line('npu/link')).toMatch(/^skipped .+only root may ask; fix: as root: hccn_tool -i DEVICE -link -g/);
    const without = await temper(args);
    expect(without.stdout).not.toContain('npu/');
    expect(without.stderr).toContain('--spec FILE');
  });

  it('tells each part of the software that the environment stage would refuse, with the fix, and what it would install', async () => {
    const dir = mkdtempSync(join(root, 'software-'));
    const toolkit = join(dir, 'Ascend');
    for (const part of ['driver', 'firmware']) {
      mkdirSync(join(toolkit, part), { recursive: true });
      writeFileSync(join(toolkit, part, 'version.info'), 'Version=25.3.rc1\n');
    }
    const spec = join(dir, 'spec.yaml');
    const environment = `environment: { toolkitRoot: '${toolkit}', basePython: /nowhere/python3.10 }\n`;
    writeFileSync(spec, `${glmSpec(join(dir, 'w'))}${environment}`);
    const args = ['doctor', '--local', '--scratch', join(dir, 'scratch'), '--spec', spec];
    const { status, stdout } = await temper(args);
    expect(status).toBe(1);
    const lines = stdout.split('\n').filter((line) => line.includes(' software '));
    expect(lines).toEqual([
      expect.stringMatching(/^ok .+: found driver 25\.3\.rc1, firmware 25\.3\.rc1$/),
      ...['CANN toolkit', 'CANN kernels', 'NNAL'].map((title) =>
        expect.stringMatching(
          new RegExp(`^fail .+: ${title}: found none, wanted 8.3.RC1 or newer .+; fix: install the ${title} `),
        ),
      ),
      expect.stringMatching(
        /^fail .+set_env\.sh of the CANN toolkit is not there.+; fix: name it in environment\.cannEnv/,
      ),
      expect.stringMatching(/^fail .+Python: found no \/nowhere\/python3\.10.+; fix: install Python 3\.10/),
      expect.stringMatching(/^warn .+MindSpeed-MM is not checked out; .+; and \d+ more \(a run installs it first\)/),
    ]);
    expect(readdirSync(dir).toSorted()).toEqual(['Ascend', 'spec.yaml']);
  });

  it('says that loopback tells nothing of the network of several hosts', async () => {
    const dir = mkdtempSync(join(root, 'loopback-'));
    mkdirSync(join(dir, 'w'));
    const spec = join(dir, 'spec.yaml');
    writeFileSync(spec, specFor(join(dir, 'w')));
    const args = ['doctor', '--local', '--scratch', join(dir, 'scratch'), '--spec', spec];
    const warned = /^warn +address .+no training address was given.+; fix: .+--train-address IP$/m;
    expect((await temper(args)).stdout).toMatch(warned);
    expect((await temper([...args, '--train-address', '127.0.0.1'])).stdout).not.toMatch(warned);
    writeFileSync(spec, specFor(join(dir, 'w')).replace('hosts: 2', 'hosts: 1'));
    expect((await temper(args)).stdout).not.toMatch(warned);
  });

  it('refuses a broken spec and flags that exclude each other', async () => {
    const spec = join(root, 'broken.yaml');
    writeFileSync(spec, 'name: x\n');
    expect((await temper(['doctor', '--local', '--spec', spec])).status).toBe(2);
    expect((await temper(['doctor', '--local', '--all'])).status).toBe(2);
    expect((await temper(['doctor', '--host', 'h1', '--all'])).status).toBe(2);
  });
});

describe('temper doctor with a server', () => {
  const asked: string[][] = [];
  const runs = (checks: readonly PreflightCheck[], machineId = announcedMachineId()) => ({
    getFleet: () => Promise.resolve(fleetOf(machineId)),
    doctor: (_fleet: string, hosts: readonly string[]): Promise<DoctorReport> => {
      asked.push([...hosts]);
      return Promise.resolve({
        v: 1,
        ok: checks.every(({ status }) => status !== 'fail'),
        hosts: [...hosts],
        checks: [...checks],
      });
    },
  });
  const bad: PreflightCheck = {
    id: 'clock',
    status: 'fail',
    fault: 'host',
    what: 'it is late\nok      forged  h2: fine',
    where: 'h2',
    why: 'times matter',
    fix: 'set it',
  };

  it('asks the workers of this machine, all of the fleet, or one', async () => {
    for (const args of [[], ['--all'], ['--host', 'h9']]) await temper(['doctor', ...args], { runs: runs([]) });
    expect(asked).toEqual([['h1'], ['h1', 'h2'], ['h9']]);
  });

  it('fails where the fleet has fewer hosts than the spec wants', async () => {
    const spec = join(root, 'few.yaml');
    const ask = (hosts: number) => {
      writeFileSync(spec, specFor(join(root, 'w')).replace('hosts: 2', `hosts: ${hosts}`));
      return temper(['doctor', '--all', '--spec', spec], { runs: runs([]) });
    };
    expect(await ask(2)).toMatchObject({ status: 0 });
    const { status, stdout } = await ask(3);
    expect([status, stdout]).toEqual([
      1,
      expect.stringMatching(/^fail +hosts .+2 of the 3 hosts of the spec answered/),
    ]);
  });

  it('looks by itself where this machine has no worker', async () => {
    const { status, stderr, stdout } = await temper(['doctor'], { runs: runs([bad], 'another machine') });
    expect(status).toBe(0);
    expect(stderr).toContain('no worker on this machine: looking from here');
    expect(stdout).toContain('processes');
  });

  it('exits 1 when a check failed, in one line even where its text has several', async () => {
    const { status, stdout } = await temper(['doctor', '--all'], { runs: runs([bad]) });
    expect(status).toBe(1);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout).toContain('(times matter); fix: set it');
    expect(stdout).toContain('2 hosts: 0 ok, 1 fail');
  });
});

function fleetOf(machineId: string): FleetState {
  const host = { v: 1 as const, pid: 1, address: '127.0.0.1', labels: [], scratch: '/s', startedAt: '' };
  return {
    v: 1,
    hosts: [
      { ...host, name: 'h1', machineId },
      { ...host, name: 'h2', machineId: 'elsewhere' },
    ],
    leases: [],
    waiting: [],
  };
}

function specFor(workspace: string): string {
  return `apiVersion: temper/v1
name: doctor
recipe: simulated
workspace: ${workspace}
fleet: { hosts: 2, npusPerHost: 2 }
weights: { source: 'seed:1' }
data:
  - { name: numbers, format: synthetic, rows: 400, heldOutRows: 50, seed: 7 }
train:
  iterations: 20
  microBatchSize: 4
  learningRate: 2.0e-3
  freeze: { visionEncoder: false, visionProjector: false, textDecoder: false }
  checkpoint: { every: 10 }
`;
}
