import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeClocks, type ClockReading } from '../../../src/domain/preflight/clocks.js';
import { judgeFleet } from '../../../src/domain/preflight/judge-fleet.js';
import { judgeHost } from '../../../src/domain/preflight/judge-host.js';
import { CHECK_IDS, PREFLIGHT, type CheckId } from '../../../src/domain/preflight/list.js';
import type { HostLook, PortLook } from '../../../src/domain/preflight/look.js';
import { preflightFailure } from '../../../src/domain/preflight/problem.js';
import type { PreflightCheck } from '../../../src/schemas/preflight.js';
import { aLook, theFacts } from './looks.js';

const MIB = 1024 ** 2;

/** What makes each check that one host can tell fail, with words that must be told. */
const HOST_CASES: readonly (readonly [CheckId, Partial<HostLook>, RegExp])[] = [
  ['processes', { leftovers: [{ pid: 4711, keeper: 'tiny.train.h00.1' }] }, /4711 \(tiny\.train\.h00\.1\)/],
  ['processes', { trainings: [{ keeper: 'tiny.train.h00.1', state: 'running' }] }, /tiny\.train\.h00\.1 is running/],
  ['processes', { isLaunch: false, trainings: [{ keeper: 'k', state: 'lost' }] }, /k is lost/],
  ['survived-kill', { unkillable: [4711] }, /4711/],
  ['fence', { fence: { standing: 8, own: 7 } }, /lease 8, after lease 7/],
  ['fence', { fence: { unseen: 'not JSON' } }, /not JSON/],
  ['address', { isAddressLocal: false }, /10\.0\.0\.1 belongs to no interface/],
  [
    'master-port',
    { masterPorts: [{ port: 6000, state: 'taken', holder: 'pid 9 python3', isEphemeral: false }] },
    /6000 \(pid 9 python3\)/,
  ],
  ['ports', { ports: [{ port: 60_001, state: 'taken', holder: null, isEphemeral: false }] }, /60001/],
  ['ports', { ports: [{ port: 80, state: 'refused', holder: null, isEphemeral: false }] }, /80 may not be used/],
  ['scratch-disk', { scratch: { path: '/scratch', freeBytes: 50 * MIB, freeInodes: null } }, /52 MB are free/],
  ['scratch-disk', { scratch: { unseen: 'EIO' } }, /EIO/],
  ['scratch-inodes', { scratch: { path: '/scratch', freeBytes: 1e12, freeInodes: 12 } }, /12 inodes/],
  ['scratch-write', { scratchWrite: { bytes: 64 * MIB, refused: 'EDQUOT' } }, /67 MB cannot be written: EDQUOT/],
  ['memory', { memory: { availableBytes: MIB, totalBytes: 9 * MIB, neededBytes: 8 * MIB } }, /1\.0 MB of 9\.4 MB/],
  ['open-files', { openFiles: 256 }, /256/],
  ['open-files', { openFiles: 70_000, neededOpenFiles: 80_000 }, /70000/],
  ['tasks', { tasks: { most: 1_024, by: 'user' } }, /1024 .+ about 6000 are needed/],
  ['tasks', { tasks: { most: 512, by: 'cgroup' } }, /512/],
  ['shared-memory', { sharedMemory: { totalBytes: 4096 * MIB, freeBytes: 600 * MIB } }, /629 MB.+1\.1 GB are needed/],
  ['shared-memory', { sharedMemory: { totalBytes: 64 * MIB, freeBytes: 60 * MIB } }, /63 MB of 67 MB/],
  ['shared-memory', { sharedMemory: { unseen: 'ENOENT' } }, /ENOENT/],
  ['time-zone', { zones: { ranks: '+0000', worker: '+0800' } }, /\+0000.+\+0800/],
  ['workspace', { workspace: { state: 'missing', parent: '/' } }, /does not exist; it would be made in \//],
  ['workspace', { workspace: { state: 'hangs', limitMs: 5_000 } }, /within 5 s/],
  ['workspace', { workspace: { state: 'refused', step: 'writing a file', why: 'EROFS' } }, /writing a file.+EROFS/],
  ['workspace-disk', room({ freeBytes: MIB }), /1\.0 MB are free, 859 GB are needed/],
  [
    'workspace-disk',
    { reserved: { bytes: 800 * 1024 * MIB, refused: 'Disk quota exceeded' } },
    /966 GB are free, 859 GB are needed, and a file of so many bytes is refused: Disk quota exceeded/,
  ],
  ['workspace-inodes', room({ freeInodes: 3 }), /3 inodes/],
  ['workspace-bandwidth', { bandwidth: { unseen: 'ENOSPC' } }, /ENOSPC/],
];

/** The same for those that only hosts together tell. */
const FLEET_CASES: readonly (readonly [CheckId, readonly PreflightCheck[], RegExp])[] = [
  ['versions', judgeFleet([theFacts('h1'), theFacts('h2', { temper: '0.2.0' })]), /h2 0\.2\.0/],
  [
    'versions',
    judgeFleet([theFacts('h1'), theFacts('h2', { environment: { digest: 'e', lock: { torch: '2.7.0' } } })]),
    /numpy: h1 2\.0\.0, h2 absent; torch: h1 2\.7\.1, h2 2\.7\.0/,
  ],
  ['time-zones', judgeFleet([theFacts('h1'), theFacts('h2', { zone: '+0000' })]), /h2 \+0000/],
  ['addresses', judgeFleet([theFacts('h1'), theFacts('h2', { address: '127.0.0.1' })]), /h2 announced a loopback/],
  ['addresses', judgeFleet([theFacts('h1'), theFacts('h2', { address: '::ffff:127.0.0.1' })]), /h2 announced a loop/],
  [
    'addresses',
    judgeFleet([theFacts('h1', { address: '10.0.0.1' }), theFacts('h2', { address: '10.0.0.1' })]),
    /h1 10\.0\.0\.1, h2 10\.0\.0\.1/,
  ],
  ['clock', [judgeClocks([reading('h1', 0), reading('h2', 0), reading('h3', -20_000)])], /behind|ahead of that of h3/],
];

/** Made with real folders in test/host/preflight/compare.test.ts. */
const WITH_FOLDERS: readonly CheckId[] = ['workspace-shared', 'scratch-private', 'files-of-others'];

describe('the preflight list', () => {
  it('has a failing case for every check', () => {
    const told = [...HOST_CASES.map(([id]) => id), ...FLEET_CASES.map(([id]) => id), ...WITH_FOLDERS];
    expect(new Set(told)).toEqual(new Set(CHECK_IDS));
  });

  it.each(HOST_CASES)('%s fails on %j and says so', (id, change, words) => {
    const checks = judgeHost(aLook(change));
    const failed = checks.filter(({ status }) => status === 'fail');
    expect(failed).toMatchObject([{ id, what: expect.stringMatching(words) }]);
    expectWhole(failed);
  });

  it.each(FLEET_CASES)('%s fails over hosts and says so', (id, checks, words) => {
    const failed = checks.filter(({ status }) => status === 'fail');
    expect(failed).toMatchObject([{ id, what: expect.stringMatching(words) }]);
    expectWhole(failed);
  });

  it('passes a host that is well, with each check of its scope once', () => {
    const checks = judgeHost(aLook());
    expect(checks.map(({ status }) => status)).toEqual(checks.map(() => 'ok'));
    expect(checks.map(({ id }) => id).sort()).toEqual(
      CHECK_IDS.filter((id) => PREFLIGHT[id].scope === 'host').toSorted(),
    );
    expect(judgeFleet([theFacts('h1'), theFacts('h2')]).filter(({ status }) => status !== 'ok')).toEqual([]);
  });

  it('tells ports that the kernel gives to outgoing connections, at first launches only', () => {
    const port = (number: number): PortLook => ({ port: number, state: 'free', holder: null, isEphemeral: true });
    const ports = [port(60_000), port(60_001)];
    const judge = (change: Partial<HostLook>): PreflightCheck | undefined =>
      judgeHost(aLook({ ports, ...change })).find(({ id }) => id === 'ports');
    expect(judge({})).toMatchObject({
      ...{ status: 'warn', fix: expect.stringContaining('ip_local_reserved_ports=60000-60001 ') },
    });
    expect(judge({ depth: 'quick' })).toMatchObject({ status: 'ok' });
    const held: PortLook = { ...port(60_000), state: 'passing', holder: 'a connection that ended' };
    const passing = [held, port(60_001)];
    expect(judge({ ports: passing, depth: 'quick' })).toMatchObject({ status: 'fail', fault: 'leftover' });
    expect(judge({ ports: passing, isLaunch: false })).toMatchObject({
      ...{ status: 'warn', what: expect.stringContaining('60000 (a connection that ended)') },
    });
  });

  it('leaves out in a quick look what takes long', () => {
    const quick = aLook({ depth: 'quick', zones: null, scratchWrite: null, bandwidth: null });
    expect(
      judgeHost(quick)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(CHECK_IDS.filter((id) => PREFLIGHT[id].scope === 'host' && PREFLIGHT[id].isQuick).toSorted());
  });

  it('does not blame a training at work when a person asks', () => {
    const atWork: Partial<HostLook> = {
      isLaunch: false,
      trainings: [{ keeper: 'tiny.train.h00.1', state: 'running' }],
      masterPorts: [{ port: 6000, state: 'taken', holder: 'pid 9 python3', isEphemeral: false }],
    };
    const checks = judgeHost(aLook(atWork));
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(checks.find(({ id }) => id === 'master-port')).toMatchObject({ status: 'skipped' });
  });

  it('takes one machine with several hosts for what it is', () => {
    const local = { machineId: 'm', address: '127.0.0.1' };
    const checks = judgeFleet([theFacts('h1', local), theFacts('h2', local)]);
    expect(checks.find(({ id }) => id === 'addresses')).toMatchObject({ status: 'ok' });
  });
});

describe('clocks', () => {
  it('are told apart by what the ranges do not share only, whatever the way takes', () => {
    const ways = fc.record({ out: fc.nat(30_000), work: fc.nat(5_000), back: fc.nat(30_000), offset: fc.nat(900) });
    fc.assert(
      fc.property(fc.array(ways, { minLength: 2, maxLength: 8 }), (hosts) => {
        const readings = hosts.map(({ out, work, back, offset }, index) => ({
          host: `h${index}`,
          hostMs: 1e12 + out + work + offset,
          askedMs: 1e12,
          elapsedMs: work,
          answeredMs: 1e12 + out + work + back,
        }));
        expect(judgeClocks(readings)).toMatchObject({ id: 'clock', status: 'ok' });
      }),
    );
  });

  it('of two hosts are judged by that of who asks', () => {
    expect(judgeClocks([reading('h1', 0), reading('h2', 20_000)])).toMatchObject({ where: 'h2' });
    expect(judgeClocks([reading('h1', -20_000), reading('h2', 0)])).toMatchObject({ where: 'h1' });
  });

  it.each([
    [800, 'ok'],
    [1_200, 'warn'],
    [9_000, 'warn'],
    [11_000, 'fail'],
  ] as const)('that differ by %i ms are %s, and the odd host is named', (offset, status) => {
    const check = judgeClocks([reading('h1', 0), reading('h2', offset), reading('h3', 0)]);
    expect(check).toMatchObject(status === 'ok' ? { status } : { status, where: 'h2' });
  });
});

describe('the failure of a launch', () => {
  const fail = (fault: PreflightCheck['fault'], id = fault): PreflightCheck => ({
    id,
    status: 'fail',
    fault,
    what: `${id} is wrong`,
    where: 'somewhere',
    fix: 'mend it',
  });

  it.each([
    ['config', 'PreflightFailed'],
    ['leftover', 'HostOccupied'],
    ['host', 'HostUnfit'],
    ['unkillable', 'HostUnkillable'],
    ['fenced', 'FencedOff'],
  ] as const)('of a %s fault is %s', (fault, code) => {
    const failure = preflightFailure([{ host: 'h2', check: fail(fault) }], 4);
    expect(failure).toMatchObject({ host: 'h2', problem: { code, fix: 'mend it' } });
  });

  it('is none while checks only warn', () => {
    expect(preflightFailure([{ host: 'h1', check: { ...fail('config'), status: 'warn' } }], 2)).toBeNull();
  });

  it('is the gravest, with the names of the others', () => {
    const failure = preflightFailure(
      [
        { host: 'h1', check: fail('leftover') },
        { host: 'h2', check: fail('config') },
      ],
      2,
    );
    expect(failure).toMatchObject({ host: 'h2', problem: { code: 'PreflightFailed' } });
    expect(failure?.problem.what).toBe('config: config is wrong (failed as well: leftover on h1)');
  });

  it('is no fault of hosts when most of them have it', () => {
    const on = (...hosts: string[]) => hosts.map((host) => ({ host, check: fail('host', 'host') }));
    expect(preflightFailure(on('h1'), 2)?.problem.code).toBe('HostUnfit');
    expect(preflightFailure(on('h1', 'h2'), 4)?.problem.code).toBe('HostUnfit');
    expect(preflightFailure(on('h1', 'h2', 'h3'), 4)?.problem.code).toBe('PreflightFailed');
  });
});

/** Says why and what to do about it. */
function expectWhole(checks: readonly PreflightCheck[]): void {
  for (const { why, fix, where } of checks) {
    for (const text of [why, fix, where]) expect(text?.length).toBeGreaterThan(1);
  }
}

function room(change: { readonly freeBytes?: number; readonly freeInodes?: number }): Partial<HostLook> {
  return { workspace: { state: 'usable', disk: { path: '/w', freeBytes: 1e15, freeInodes: 1e6, ...change } } };
}

function reading(host: string, offset: number): ClockReading {
  return { host, hostMs: 1e12 + 10 + offset, askedMs: 1e12, elapsedMs: 5, answeredMs: 1e12 + 20 };
}
