import { describe, expect, it } from 'vitest';
import type { HostFact } from '../../../../src/recipes/mindspeed-mm/preflight/compare.js';
import { judgeInterface } from '../../../../src/recipes/mindspeed-mm/preflight/judge-network.js';
import { preflight } from '../../../../src/recipes/mindspeed-mm/preflight/preflight.js';
import type { PreflightCheck } from '../../../../src/schemas/preflight.js';
import { guideSpec } from '../training/support.js';

type Facts = Partial<Record<HostFact, string>>;
const WELL: Facts = {
  product: 'atlas-a3',
  devices: '16',
  driver: '25.3.rc1',
  firmware: '7.8',
  tls: 'off',
  links: 'up',
  superPod: '0',
};

/** What the recipe finds between hosts h1, h2, ..., each with its own place in super pod 0. */
function compare(...changes: readonly Facts[]): readonly PreflightCheck[] {
  const facts = changes.map((change, index) => {
    const place = { serverIndex: String(index), sdid: String(index * 4_194_304) };
    return [`h${index + 1}`, { ...WELL, ...place, ...change }] as const;
  });
  return preflight.compare?.(new Map(facts), new Map()) ?? [];
}

const wrong = (checks: readonly PreflightCheck[]) => checks.filter(({ status }) => status !== 'ok');

describe('hosts that fit', () => {
  it('pass every comparison', () => {
    const checks = compare({}, {}, { superPod: '1', serverIndex: '0', sdid: '0' });
    expect(wrong(checks)).toEqual([]);
    expect(checks.map(({ id }) => id)).toEqual([
      'npu/same-devices',
      'npu/same-versions',
      'npu/same-tls',
      'npu/super-pods',
    ]);
    expect(checks.at(-1)?.what).toBe('places are unique; super pods 0 (h1, h2), 1 (h3)');
  });

  it('without super pods are not compared by them', () => {
    const without = { superPod: undefined, serverIndex: undefined, sdid: undefined };
    const facts = ['h1', 'h2'].map((host) => [host, dropUndefined({ ...WELL, ...without })] as const);
    expect(preflight.compare?.(new Map(facts), new Map()).map(({ id }) => id)).not.toContain('npu/super-pods');
  });
});

describe('a host that comes later', () => {
  const place = (index: number): Facts => ({ ...WELL, serverIndex: String(index), sdid: String(index * 4_194_304) });
  const others = new Map([['h2', { ...place(1), driver: '25.2.0' }]]);
  const late = (index: number): readonly PreflightCheck[] =>
    preflight.compare?.(new Map([...asked, ['h3', place(index)]]), others) ?? [];
  const asked = [['h1', place(0)]] as const;

  it('must have its own place among all, and versions only of those that are asked now', () => {
    expect(wrong(late(2))).toEqual([]);
    expect(wrong(late(1))).toMatchObject([
      { id: 'npu/super-pods', status: 'fail', what: expect.stringContaining('h2, h3 claim serverIndex 1') },
    ]);
  });
});

describe('hosts that do not fit', () => {
  it.each<[string, readonly Facts[], string, RegExp]>([
    ['products', [{}, { product: 'atlas-a2', devices: '8' }], 'npu/same-devices', /product: h1 atlas-a3, h2 atlas-a2/],
    ['drivers', [{}, { driver: '25.2.0' }, {}], 'npu/same-versions', /driver: h1, h3 25\.3\.rc1, h2 25\.2\.0/],
    ['firmware', [{}, { firmware: '7.7' }], 'npu/same-versions', /firmware: h1 7\.8, h2 7\.7/],
    ['TLS', [{}, {}, { tls: 'on' }], 'npu/same-tls', /tls: h1, h2 off, h3 on/],
    ['an index twice', [{}, { serverIndex: '0' }], 'npu/super-pods', /h1, h2 claim serverIndex 0 of super pod 0/],
    ['a device id twice', [{}, { sdid: '0' }], 'npu/super-pods', /h1, h2 claim sdid 0 of super pod 0/],
    [
      'super pods without links between them',
      [{ links: 'down' }, { superPod: '1', links: 'down' }],
      'npu/super-pods',
      /super pods 0 \(h1\), 1 \(h2\), and the links of h1, h2 are down/,
    ],
  ])('by %s are named with the values', (_what, changes, id, words) => {
    expect(wrong(compare(...changes))).toMatchObject([
      {
        id,
        status: 'fail',
        fault: 'config',
        what: expect.stringMatching(words),
        why: expect.stringMatching(/\S/),
        fix: expect.stringMatching(/\S/),
      },
    ]);
  });

  it('are not compared by what only one of them could tell', () => {
    const facts = new Map([
      ['h1', WELL],
      ['h2', { product: 'atlas-a3', devices: '16' }],
    ]);
    expect(preflight.compare?.(facts, new Map())).toMatchObject([
      { id: 'npu/same-devices', status: 'ok' },
      { id: 'npu/same-versions', status: 'skipped' },
      { id: 'npu/same-tls', status: 'skipped', what: 'fewer than two hosts could tell tls' },
      { id: 'npu/super-pods', status: 'ok' },
    ]);
  });
});

describe('the network interface', () => {
  const interfaces = ['lo', 'eth0', 'eth10', 'bond0'];
  const judge = (env: Readonly<Record<string, string>>, trainingInterface: string | null = 'eth0') =>
    judgeInterface(guideSpec({ train: { env } }), { processes: new Map(), interfaces, trainingInterface }, 'h1');

  it.each<[Record<string, string>, string]>([
    [{}, 'ok'],
    [{ HCCL_SOCKET_IFNAME: 'eth' }, 'ok'],
    [{ HCCL_SOCKET_IFNAME: '=bond0' }, 'ok'],
    [{ HCCL_SOCKET_IFNAME: 'enp,bond' }, 'ok'],
    [{ HCCL_SOCKET_IFNAME: '^eth,lo' }, 'ok'],
    [{ HCCL_SOCKET_IFNAME: '=eth1' }, 'fail'],
    [{ HCCL_SOCKET_IFNAME: '^=lo,eth0,eth10,bond0' }, 'fail'],
    [{ HCCL_SOCKET_IFNAME: 'enp1' }, 'fail'],
    [{ GLOO_SOCKET_IFNAME: 'eth0' }, 'ok'],
    [{ GLOO_SOCKET_IFNAME: 'eth' }, 'fail'],
    [{ HCCL_SOCKET_IFNAME: 'lo,eth' }, 'ok'],
    [{ HCCL_SOCKET_IFNAME: '=lo' }, 'fail'],
    [{ HCCL_SOCKET_IFNAME: 'eth', GLOO_SOCKET_IFNAME: 'lo' }, 'fail'],
  ])('of %j is %s', (env, status) => {
    const check = judge(env);
    expect(check).toMatchObject({ id: 'npu/interface', status });
    const isThere = Object.values(env).some((value) => /^=?lo$/.test(value));
    if (status === 'fail' && !isThere) expect(check.what).toContain('there are lo, eth0, eth10, bond0');
  });

  it('is no loopback where hosts have to reach each other', () => {
    expect(judge({ GLOO_SOCKET_IFNAME: 'lo' })).toMatchObject({
      what: expect.stringContaining('IFNAME: lo is the loopback'),
    });
    expect(judge({}, 'lo')).toMatchObject({ status: 'warn', fix: expect.stringContaining('--train-address') });
    const alone = guideSpec({ fleet: { hosts: 1, npusPerHost: 16 }, train: { env: { HCCL_SOCKET_IFNAME: '=lo' } } });
    const sight = { processes: new Map(), interfaces, trainingInterface: 'lo' };
    expect(judgeInterface(alone, sight, 'h1')).toMatchObject({ status: 'ok' });
  });

  it('that has the training address is wanted when the spec names none', () => {
    expect(judge({}, null)).toMatchObject({ status: 'warn', fix: expect.stringContaining('--train-address') });
  });
});

describe('the ports of the ranks', () => {
  it('are those of HCCL, one for each device, where the spec has moved them', () => {
    expect(preflight.ports?.(guideSpec())).toEqual(Array.from({ length: 16 }, (_, index) => 60_000 + index));
    const moved = guideSpec({ train: { env: { HCCL_IF_BASE_PORT: 50_000 } }, fleet: { hosts: 2, npusPerHost: 2 } });
    expect(preflight.ports?.(moved)).toEqual([50_000, 50_001]);
    expect(preflight.ports?.(guideSpec({ train: { env: { HCCL_IF_BASE_PORT: 'none' } } }))).toEqual([]);
  });
});

describe('the limits of the ranks', () => {
  it('follow from ranks, loaders and images', () => {
    expect(preflight.limits?.(guideSpec())).toEqual({
      openFiles: 4_096,
      tasks: 16 * (256 + 8 * 16),
      // 16 ranks x 8 loaders x 2 batches x one image of 262144 pixels.
      sharedMemoryBytes: 16 * 8 * 2 * 262_144 * 12,
    });
    const streamed = guideSpec({ train: { dataLoader: { streaming: true } } });
    expect(preflight.limits?.(streamed)).toMatchObject({ sharedMemoryBytes: 0 });
  });
});

function dropUndefined(facts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
