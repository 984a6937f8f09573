import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PreflightFacts } from '../../../../src/recipes/preflight.js';
import type { PreflightCheck } from '../../../../src/schemas/preflight.js';
import type { AscendState } from '../../../support/ascend/fake-tools.js';
import { guideSpec } from '../training/support.js';
import { A2, A3, FEW, look, statuses, told, wrong } from './support.js';

describe('a host on which all is well', () => {
  it('passes every check, and tells its facts', async () => {
    const reading = await look({ superPod: { id: 3, serverIndex: 4 } }, { spec: A3, depth: 'full' });
    expect(wrong(reading)).toEqual([]);
    expect(reading.checks.map(({ what }) => what)).toContain('16 devices of Atlas A3, 16 are wanted');
    expect(reading.facts).toEqual({
      product: 'atlas-a3',
      devices: '16',
      driver: '25.3.rc1',
      firmware: '7.8.0.2.212',
      tls: 'off',
      links: 'up',
      superPod: '3',
      serverIndex: '4',
      sdid: '16777216',
    });
  });

  it('is only asked, with words that change nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'temper-npu-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const log = join(dir, 'calls');
    await look({ product: 'a2', log }, { spec: FEW, depth: 'full' });
    const calls = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(calls).toHaveLength(3 + 3 * 4);
    for (const call of calls) expect(call).toMatch(/^npu-smi info( -t \S+ -i 0( -c 0)?)?$|^hccn_tool -i \d+ -\w+ -g$/);
  });

  it('of Atlas A2 has no super pod, and before a relaunch it is asked one question', async () => {
    const full = await look({ product: 'a2' }, { spec: FEW, depth: 'full' });
    expect(wrong(full)).toEqual([]);
    expect(full.facts).not.toHaveProperty('superPod');
    for (const format of ['22', '26'] as const) {
      expect(statuses(await look({ product: 'a2', format }))).toEqual({
        'npu/tools': 'ok',
        'npu/devices': 'ok',
        'npu/health': 'ok',
        'npu/memory': 'ok',
        'npu/processes': 'ok',
      });
    }
  });
});

/** State, spec, the only check that is not well, and words that must be told. */
const CASES: readonly (readonly [
  string,
  AscendState,
  PreflightFacts['spec'],
  string,
  Partial<PreflightCheck>,
  RegExp,
])[] = [
  [
    'a card that dropped out',
    { missing: [6, 7] },
    A3,
    'npu/devices',
    { status: 'fail', fault: 'host' },
    /14 devices of Atlas A3, 16 are wanted; missing: 6, 7.+reset/s,
  ],
  [
    'hosts of another product than the spec thinks',
    { product: 'a2' },
    A3,
    'npu/devices',
    { status: 'fail', fault: 'config' },
    /8 devices of Atlas A2, 16 are wanted.+hosts: 16, npusPerHost: 8/s,
  ],
  [
    'a sick device',
    { health: { 3: 'Alarm' } },
    A3,
    'npu/health',
    { status: 'fail', fault: 'host' },
    /device 3 \(NPU 1 chip 1\) is Alarm.+npu-smi info -t health -i 1 -c 1/s,
  ],
  [
    'a sick device that tells its fault',
    { health: { 3: 'Alarm' }, codes: { 3: '80E01801, 0x80c98008' } },
    A3,
    'npu/health',
    { status: 'fail', fault: 'host' },
    /is Alarm: 80E01801 \(multi-bit fault .+\), 80C98008 \(multi-bit .+matrix core\).+npu-smi set -t reset -i 1 -c 1/s,
  ],
  [
    'a device that calls it a warning when it is beyond repair',
    { product: 'a2', health: { 3: 'Warning' }, codes: { 3: '80E18402' } },
    A2,
    'npu/health',
    { status: 'fail', fault: 'host' },
    /device 3 .+ is Warning: 80E18402 \(64 rows .+no reset mends it.+temper cordon h1/s,
  ],
  [
    'a warning with a code of no consequence, or one that nobody lists',
    { product: 'a2', health: { 3: 'Warning' }, codes: { 3: '80E18401 8AAAAAAA' } },
    A2,
    'npu/health',
    { status: 'warn' },
    /80E18401 \(16 rows .+\), 8AAAAAAA.+tells the code/s,
  ],
  [
    'a warning',
    { product: 'a2', health: { 3: 'Warning' } },
    A2,
    'npu/health',
    { status: 'warn' },
    /device 3 .+ Warning/,
  ],
  [
    'memory that nobody holds',
    { product: 'a2', usedMb: { 5: 40_000 } },
    A2,
    'npu/memory',
    { status: 'fail', fault: 'leftover' },
    /device 5 .+ has 40000 of 65536 MB in use/,
  ],
  [
    'a process of another container',
    { product: 'a2', processes: [{ device: 2, pid: 4_194_300, name: 'python3.1' }] },
    A2,
    'npu/processes',
    { status: 'fail', fault: 'leftover' },
    /device 2: 4194300 python3\.1 \(not seen from here/,
  ],
  [
    'a user who may not open the devices',
    { product: 'a2', inGroup: false },
    A2,
    'npu/tools',
    { status: 'fail', fault: 'host' },
    /DrvMng.+usermod -aG HwHiAiUser/s,
  ],
];

describe('a host with', () => {
  it.each(CASES)('%s fails with reason and fix', async (_what, state, spec, id, expected, words) => {
    const found = wrong(await look(state, { spec })).filter(({ status }) => status !== 'skipped');
    expect(found).toMatchObject([{ id, where: expect.stringContaining('h1'), ...expected }]);
    expect(told(found[0])).toMatch(words);
  });

  it('devices that the ranks do not use is judged by those that they use', async () => {
    const spec = guideSpec({
      fleet: { hosts: 1, npusPerHost: 2 },
      train: { env: { ASCEND_RT_VISIBLE_DEVICES: '4,5' } },
    });
    const state: AscendState = { health: { 0: 'Critical' }, usedMb: { 1: 60_000 }, linkDown: [2], missing: [15] };
    expect(wrong(await look(state, { spec, depth: 'full' }))).toEqual([]);
  });

  it('a link that is down, or TLS on some devices, names them', async () => {
    const found = wrong(
      await look({ product: 'a2', linkDown: [2, 3, 6], tls: { 1: 1 } }, { spec: FEW, depth: 'full' }),
    );
    expect(found.map(({ id, status }) => [id, status])).toEqual([
      ['npu/link', 'fail'],
      ['npu/tls', 'fail'],
    ]);
    expect(found.map(told)).toEqual([
      expect.stringMatching(/device 2, 3 is down.+hccn_tool -i 2 -cfg recovery/s),
      expect.stringMatching(/on for device 1 .+-tls -s enable 0/s),
    ]);
  });

  const LIGHT = [
    'Vcc                  : 3256.50 mV',
    'Tx Power0            : 1.5410 mW',
    'Rx Power0            : 0.9630 mW',
    'Rx Power1            : 0.9700 mW',
    'TxPower High Thres   : 3.5481 mW',
    'TxPower Low Thres    : 0.2818 mW',
    'RxPower High Thres   : 3.5481 mW',
    'RxPower Low Thres    : 0.1445 mW',
    'Rx Los Flag          : 0x0',
  ].join('\n');
  it.each([
    ['weak', LIGHT.replace('0.9700 mW', '0.0090 mW'), 'rx power1 0.009 mW is below 0.1445 mW'],
    [
      'of an older driver',
      LIGHT.replace('Tx Power0 ', 'Tx Power ').replace('1.5410', '9.9'),
      'tx power 9.9 mW is above',
    ],
    [
      'that is told in other spaces and cases',
      'RX Power0: -19.5 dBm\nRX Power Low Thres: -8 dBm',
      'rx power0 -19.5 dBm is b',
    ],
  ])('light that is %s is warned of', async (_how, weak, words) => {
    const found = wrong(await look({ product: 'a2', light: { 0: LIGHT, 2: weak } }, { spec: FEW, depth: 'full' }));
    expect(found).toMatchObject([{ id: 'npu/optics', status: 'warn', what: expect.stringContaining('device 2: ') }]);
    expect(told(found[0])).toContain(words);
  });

  it('light in its limits is well, and without modules nothing is said of it', async () => {
    const lit = await look({ product: 'a2', light: { 0: LIGHT, 3: LIGHT } }, { spec: FEW, depth: 'full' });
    expect(statuses(lit)['npu/optics']).toBe('ok');
    expect(statuses(await look({ product: 'a2' }, { spec: FEW, depth: 'full' }))).not.toHaveProperty('npu/optics');
  });

  it.each([
    ['link status : UP', 'tls switch: enable', { links: 'up', tls: 'on' }],
    ['Link Status:   Up', 'dev_id:0, TLS switch [ 1 ] (0:disable, 1:enable)', { links: 'up', tls: 'on' }],
    ['link_status = DOWN', 'tls switch : disabled', { links: 'down', tls: 'off' }],
  ])('words of other drivers are read: %s, %s', async (linkText, tlsText, facts) => {
    const reading = await look({ product: 'a2', linkText, tlsText }, { spec: FEW, depth: 'full' });
    expect(reading.facts).toMatchObject(facts);
  });

  it('no link at all is only warned of on Atlas A3, whose super pod needs none', async () => {
    const spec = guideSpec({ fleet: { hosts: 2, npusPerHost: 2 } });
    const all = await look({ devices: 2, linkDown: [0, 1] }, { spec, depth: 'full' });
    expect(wrong(all)).toMatchObject([{ id: 'npu/link', status: 'warn' }]);
    expect(all.facts).toMatchObject({ links: 'down' });
  });
});

describe('a user who is not root', () => {
  it('gets everything that the group may see; the rest is skipped with the command', async () => {
    const reading = await look({ product: 'a2', isRoot: false }, { spec: FEW, depth: 'full' });
    const skipped = wrong(reading);
    expect(skipped.map(({ id, status, fix }) => [id, status, fix])).toEqual([
      ['npu/versions', 'skipped', 'as root: npu-smi info -t board -i 0'],
      ['npu/link', 'skipped', 'as root: hccn_tool -i DEVICE -link -g (for DEVICE 0 to 3)'],
      ['npu/tls', 'skipped', 'as root: hccn_tool -i DEVICE -tls -g (for DEVICE 0 to 3)'],
    ]);
    expect(reading.facts).toEqual({ product: 'atlas-a2', devices: '8', driver: '25.3.rc1' });
  });
});
