import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runProbes } from '../../../../src/host/preflight/run-probe.js';
import { lookAround } from '../../../../src/host/preflight/sight.js';
import { preflight } from '../../../../src/recipes/mindspeed-mm/preflight/preflight.js';
import { PROBES } from '../../../../src/recipes/mindspeed-mm/preflight/probes.js';
import type { PreflightFacts } from '../../../../src/recipes/preflight.js';
import type { AscendState } from '../../../support/ascend/fake-tools.js';
import { A2, look, NOBODY, told, wrong } from './support.js';

describe('processes on devices', () => {
  const mine = { device: 0, pid: process.pid, memoryMb: 900 };

  it('of somebody else are named with their owner', async () => {
    const state: AscendState = { product: 'a2', processes: [mine] };
    const found = wrong(await look(state, { sight: lookAround('127.0.0.1') }));
    expect(found).toMatchObject([{ id: 'npu/processes', status: 'fail', fault: 'host' }]);
    const owner = userInfo().username;
    expect(told(found[0])).toMatch(
      new RegExp(`${process.pid} .+ \\(user ${owner}\\), 900 MB.+ask ${owner} to end`, 's'),
    );
  });

  it("of a training of Temper's are right while nothing is launched, and its memory too", async () => {
    const seen = { user: 'root', name: 'python3.10', keeper: 'tiny.train.h00.1' };
    const state: AscendState = {
      product: 'a2',
      processes: [{ device: 0, pid: 77, name: 'python3.1' }],
      usedMb: { 0: 60_000 },
    };
    const sight = { ...NOBODY, processes: new Map([[77, seen]]) };
    expect(wrong(await look(state, { sight, isLaunch: false }))).toEqual([]);
    const launched = wrong(await look(state, { sight }));
    expect(launched).toMatchObject([
      { id: 'npu/memory', status: 'fail' },
      { id: 'npu/processes', status: 'fail', fault: 'leftover' },
    ]);
    expect(told(launched[1])).toContain("Temper's own, tiny.train.h00.1");
  });

  it('are told by the pid of the container; another process that has the pid of the machine here is not blamed', async () => {
    const inside = { user: 'alice', name: 'sglang', keeper: null };
    const other = { user: 'bob', name: 'sshd', keeper: null };
    const sight = {
      ...NOBODY,
      processes: new Map([
        [12, inside],
        [4711, other],
      ]),
    };
    const state: AscendState = { product: 'a2', format: '26', processes: [{ device: 1, pid: 4711, name: 'sglang' }] };
    expect(told(wrong(await look(state, { sight }))[0])).toMatch(/4711 sglang \(not seen from here/);
    const told12 = { ...state, processes: [{ device: 1, pid: 4711, name: 'sglang', containerPid: 12 }] };
    expect(told(wrong(await look(told12, { sight }))[0])).toMatch(/12 sglang \(user alice\)/);
  });
});

describe('the tools', () => {
  it('that are not there are told with what to install', async () => {
    const reading = await look({}, { depth: 'full', adapt: (probe) => ({ ...probe, folders: [] }) });
    const byId = new Map(reading.checks.map((check) => [check.id, check]));
    expect(byId.get('npu/tools')).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('install the Ascend driver'),
    });
    expect(byId.get('npu/link')).toMatchObject({
      status: 'skipped',
      fix: expect.stringContaining('mount /usr/local/Ascend/driver/tools'),
    });
    expect(byId.get('npu/devices')).toMatchObject({ status: 'skipped' });
    expect(reading.facts).toEqual({});
  });

  it('that hang are given up with their time, and not asked again', async () => {
    const reading = await look(
      { product: 'a2', hang: ['npu-smi', 'hccn_tool'] },
      { depth: 'full', adapt: (probe) => ({ ...probe, timeoutMs: 400 }) },
    );
    const failed = reading.checks.filter(({ status }) => status === 'fail');
    expect(failed.map(({ id, what }) => [id, what])).toEqual([
      ['npu/tools', 'it did not answer: no answer within 0.4 s'],
      ['npu/link', 'it did not answer: no answer within 0.4 s'],
      ['npu/tls', expect.stringContaining('hung before')],
    ]);
  });

  it('are never asked side by side, and who waits too long says so', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'temper-npu-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const state: AscendState = { product: 'a2', exclusive: join(dir, 'busy') };
    const both = await Promise.all([look(state), look(state)]);
    expect(both.map(wrong)).toEqual([[], []]);
    const facts: PreflightFacts = {
      spec: A2,
      depth: 'quick',
      isLaunch: true,
      host: 'h1',
      tools: { python: '', node: '', temper: '', programs: '', cpus: 1 },
    };
    const held = { id: 'held', argv: ['sleep', '1'], timeoutMs: 5_000 };
    const [, outputs] = await Promise.all([runProbes([held]), runProbes([{ ...held, id: PROBES.table }], 50)]);
    expect(preflight.judge?.(outputs, facts, NOBODY).checks).toMatchObject([
      {
        id: 'npu/tools',
        status: 'warn',
        what: 'another look at the devices of this host has been under way for 50 ms',
      },
      { status: 'skipped' },
      { status: 'skipped' },
      { status: 'skipped' },
      { status: 'skipped' },
    ]);
  });
});
