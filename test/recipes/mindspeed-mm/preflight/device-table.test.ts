import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAnswer, type Answer } from '../../../../src/recipes/mindspeed-mm/preflight/answers.js';
import { readDeviceTable, readFields } from '../../../../src/recipes/mindspeed-mm/preflight/device-table.js';
import { productIn } from '../../../../src/recipes/mindspeed-mm/preflight/devices.js';
import { judgeLinks, judgeTls, linksIn, tlsIn } from '../../../../src/recipes/mindspeed-mm/preflight/judge-network.js';
import { firmwareIn, superPodIn } from '../../../../src/recipes/mindspeed-mm/preflight/judge-versions.js';
import type { ProbeOutput } from '../../../../src/recipes/preflight.js';

const FIXTURES = resolve(import.meta.dirname, '../../../fixtures/npu-smi');

describe('the table of npu-smi', () => {
  it('of Atlas A3 has two chips on a card, physical ids, and cells without a space between', () => {
    const table = tableOf('a3-driver-25.txt');
    expect(table.driver).toBe('25.3.rc1');
    expect(productIn(table)).toBe('atlas-a3');
    expect(table.chips).toEqual([
      { npu: 0, chip: 0, physicalId: 0, name: 'Ascend910', health: 'OK', usedMb: 3408, totalMb: 65_536 },
      { npu: 0, chip: 1, physicalId: 1, name: 'Ascend910', health: 'Alarm', usedMb: 31_877, totalMb: 65_536 },
      { npu: 7, chip: 0, physicalId: 14, name: 'Ascend910', health: 'OK', usedMb: 3190, totalMb: 65_536 },
      { npu: 7, chip: 1, physicalId: 15, name: 'Ascend910', health: 'OK', usedMb: 3201, totalMb: 65_536 },
    ]);
    expect(table.processes).toEqual([
      { npu: 0, chip: 1, pid: 3_325_989, name: 'python3.1', memoryMb: 28_512 },
      { npu: 0, chip: 1, pid: 3_330_598, name: '', memoryMb: 132 },
    ]);
  });

  it('of Atlas A2 has no physical ids; newer drivers tell pids of the container', () => {
    const table = tableOf('a2-driver-26-container.txt');
    expect([table.driver, productIn(table)]).toEqual(['26.0.rc1', 'atlas-a2']);
    expect(table.chips.map(({ physicalId, health, usedMb }) => [physicalId, health, usedMb])).toEqual([
      [4, 'OK', 3402],
      [7, 'Warning', 53_984],
    ]);
    expect(table.processes.map(({ pid, name }) => [pid, name])).toEqual([
      [77, 'pytest'],
      [485_999, 'sglang'],
    ]);
  });

  it('of older drivers has the memory of the device behind that of its system', () => {
    const table = tableOf('a2-driver-22.txt');
    expect(table.chips.map(({ physicalId, health, usedMb, totalMb }) => [physicalId, health, usedMb, totalMb])).toEqual(
      [
        [0, 'OK', 1, 32_768],
        [1, 'UNKNOWN', 0, 32_768],
      ],
    );
    expect(table.processes).toEqual([]);
  });

  it.each([
    '',
    'dcmi module initialize failed. ret is -8005\n',
    '| NPU   Name | Health | Power(W) |\n',
    '|||\n| 0 0 |',
  ])('is none in %j', (text) => {
    expect(readDeviceTable(text)).toBeNull();
  });
});

describe('the narrower queries', () => {
  it('tell fields by their keys, in a list or in a frame', () => {
    expect(readFields('\tSDID                           : 16777216\n\tSuper Pod ID                   : 0\n')).toEqual(
      new Map([
        ['sdid', '16777216'],
        ['super pod id', '0'],
      ]),
    );
    expect(readFields('+-----+\n| Super Pod ID  : 3    | Pod ID : 1   |\n').get('super pod id')).toBe('3');
  });
});

describe('a query that is answered without telling', () => {
  const said = (text: string): Answer => ({ kind: 'answered', text });
  const place = (superPod: string, server: string, sdid: string): Answer =>
    said(`Super Pod ID : ${superPod}\nServer Index : ${server}\nSDID : ${sdid}\n`);

  it.each(['NA', 'N/A', 'n/a', '-', '--', '4294967295', '0xffffffff', '0xFFFFFFFF'])('%s is no place', (none) => {
    expect([place(none, '0', '0'), place('0', none, '0'), place('0', '0', none)].map(superPodIn)).toEqual([
      null,
      null,
      null,
    ]);
    expect(superPodIn(place('3', '4', '5'))).toEqual({ superPod: '3', serverIndex: '4', sdid: '5' });
  });

  it.each(['NA', 'N/A', '--'])('%s is no firmware', (none) => {
    expect(firmwareIn(said(`Firmware Version : ${none}\n`))).toBeNull();
    expect(firmwareIn(said('Firmware Version : 7.8.0.2.212\n'))).toBe('7.8.0.2.212');
  });
});

describe('the answers of a tool', () => {
  const ended = (code: number, stdout: string, stderr = ''): ProbeOutput => ({ state: 'ended', code, stdout, stderr });

  it.each<[ProbeOutput, string]>([
    [ended(0, 'link status: UP\n'), 'answered'],
    [ended(1, 'permission denied: pls check this cmd run permission.\n'), 'root'],
    [ended(1, 'hccn_tool is busy, please try again.\n'), 'busy'],
    [ended(1, 'The command is not supported on this product.\n'), 'unsupported'],
    [ended(0, 'This device does not support querying spod-info.\n'), 'unsupported'],
    [ended(127, '', 'error while loading shared libraries: libdcmi.so'), 'failed'],
    [{ state: 'missing', code: null, stdout: '', stderr: '' }, 'missing'],
    [{ state: 'hung', code: null, stdout: '', stderr: 'no answer within 5 s' }, 'hung'],
    [{ state: 'busy', code: null, stdout: '', stderr: 'held' }, 'busy'],
    [{ state: 'refused', code: null, stdout: '', stderr: '' }, 'failed'],
  ])('%j is %s', (output, kind) => {
    expect(readAnswer(output)).toMatchObject({ kind, text: expect.stringMatching(/\S/) });
  });

  it('about links and TLS are read by their words', () => {
    const said = (text: string) => readAnswer(ended(0, text));
    expect(
      linksIn([
        [0, said('link status: UP')],
        [1, said('link status: DOWN')],
        [2, said('nothing')],
      ]),
    ).toEqual(
      new Map([
        [0, 'up'],
        [1, 'down'],
      ]),
    );
    expect(
      tlsIn([
        [0, said('dev_id:0, tls switch[0](0:disable, 1:enable), tls alarm time threshold[60]days')],
        [1, said('dev_id:1, tls switch[1](0:disable, 1:enable), tls preconfigured[1](0:non-preset, 1:preset)')],
      ]),
    ).toEqual(
      new Map([
        [0, 'off'],
        [1, 'on'],
      ]),
    );
  });
});

describe('devices of which some tell nothing', () => {
  const ended = (text: string, code = 0) => readAnswer({ state: 'ended', code, stdout: text, stderr: '' });
  const hung = readAnswer({ state: 'hung', code: null, stdout: '', stderr: 'no answer within 5 s' });
  const [up, down, off] = ['link status: UP', 'link status: DOWN', 'tls switch[0](0:disable, 1:enable)'].map((text) =>
    ended(text),
  );

  it.each<[string, readonly (Answer | undefined)[], string, RegExp]>([
    ['one hung', [up, hung, up], 'fail', /no answer within 5 s.+for device 1/s],
    ['one hung, one down', [down, hung, up], 'fail', /no answer within 5 s.+for device 1/s],
    ['one failed', [up, up, ended('busy', 3)], 'warn', /exit status 3.+for device 2/s],
    ['one failed, one down', [up, down, ended('busy', 3)], 'fail', /the link of device 1 is down/],
  ])('are told: %s', (_what, answers, status, words) => {
    const check = judgeLinks(byDevice(answers), 'atlas-a2', 'h1');
    expect(check).toMatchObject({ id: 'npu/link', status });
    expect(JSON.stringify(check)).toMatch(words);
  });

  it('are told for TLS too', () => {
    expect(judgeTls(byDevice([off, hung]), 'h1')).toMatchObject({
      status: 'fail',
      where: 'h1: hccn_tool for device 1',
    });
    expect(judgeTls(byDevice([off, off]), 'h1')).toMatchObject({ status: 'ok' });
  });

  function byDevice(answers: readonly (Answer | undefined)[]) {
    return answers.flatMap((answer, device) => (answer === undefined ? [] : [[device, answer] as const]));
  }
});

function tableOf(name: string) {
  const table = readDeviceTable(readFileSync(join(FIXTURES, name), 'utf8'));
  if (table === null) throw new Error(`${name} holds no table`);
  return table;
}
