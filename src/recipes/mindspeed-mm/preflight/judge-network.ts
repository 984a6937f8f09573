import type { PipelineSpec } from '../../../schemas/spec.js';
import type { PreflightCheck } from '../../../schemas/preflight.js';
import type { HostSight } from '../../preflight.js';
import type { Product } from '../training/value-rules.js';
import type { Answer } from './answers.js';
import { idsText } from './devices.js';
import { checkedNpu } from './list.js';

/** What each device answered. */
export type DeviceAnswers = readonly (readonly [device: number, Answer])[];

/** State of the link of each device that told it. */
export function linksIn(answers: DeviceAnswers): ReadonlyMap<number, 'up' | 'down'> {
  return new Map(
    answers.flatMap(([device, { kind, text }]) => {
      const word = kind === 'answered' ? /link[ _]?status\s*[:=]\s*(\w+)/i.exec(text)?.[1] : undefined;
      return word === undefined ? [] : [[device, word.toUpperCase() === 'UP' ? 'up' : 'down'] as const];
    }),
  );
}

/** Whether TLS is on, for each device that told it: `tls switch[0](0:disable, 1:enable)`, or `tls switch: enable`. */
export function tlsIn(answers: DeviceAnswers): ReadonlyMap<number, 'on' | 'off'> {
  return new Map(
    answers.flatMap(([device, { kind, text }]) => {
      const [, digit, word] = (kind === 'answered' ? TLS_SWITCH.exec(text) : null) ?? [];
      const state = digit ?? word?.toLowerCase();
      return state === undefined ? [] : [[device, /^(1|on|enabled?)$/.test(state) ? 'on' : 'off'] as const];
    }),
  );
}

const TLS_SWITCH = /switch\s*(?:\[\s*([01])\s*\]|[:=]\s*([01]|on|off|enabled?|disabled?)\b)/i;

/** Links of the devices to the network between hosts. */
export function judgeLinks(answers: DeviceAnswers, product: Product, host: string): PreflightCheck {
  const links = linksIn(answers);
  const down = [...links].filter(([, state]) => state === 'down').map(([device]) => device);
  const silent = answers.filter(([device]) => !links.has(device));
  if (silent.length > 0 && (down.length === 0 || hasHung(silent))) {
    return unanswered('npu/link', silent, '-link -g', host);
  }
  if (down.length === 0) return checkedNpu('npu/link', 'ok', { where: host, what: `${links.size} links are up` });
  const [first = 0] = down;
  // Hosts of one super pod of Atlas A3 reach each other without these links; then all are down by intention.
  const byIntention = product === 'atlas-a3' && down.length === links.size;
  return checkedNpu('npu/link', byIntention ? 'warn' : 'fail', {
    where: host,
    what: `the link of device ${idsText(down)} is down`,
    ...(byIntention ? { why: 'only hosts of one super pod reach each other without these links' } : {}),
    fix: `look at cable and switch; as root: hccn_tool -i ${first} -cfg recovery, then hccn_tool -i ${first} -link -g`,
  });
}

/** The TLS switch of all devices of a host; that of several hosts is compared later. */
export function judgeTls(answers: DeviceAnswers, host: string): PreflightCheck {
  const tls = tlsIn(answers);
  const on = [...tls].filter(([, state]) => state === 'on').map(([device]) => device);
  const isMixed = on.length > 0 && on.length < tls.size;
  const silent = answers.filter(([device]) => !tls.has(device));
  if (silent.length > 0 && (!isMixed || hasHung(silent))) return unanswered('npu/tls', silent, '-tls -g', host);
  if (!isMixed) {
    const what = `TLS is ${on.length === 0 ? 'off' : 'on'} for all ${tls.size} devices`;
    return checkedNpu('npu/tls', 'ok', { where: host, what });
  }
  return checkedNpu('npu/tls', 'fail', {
    where: host,
    what: `TLS is on for device ${idsText(on)} and off for the others`,
    fix: TLS_FIX,
  });
}

/** What to do when devices do not agree about TLS. */
export const TLS_FIX = 'make it the same for every device of every host, as root: hccn_tool -i DEVICE -tls -s enable 0';

function hasHung(answers: DeviceAnswers): boolean {
  return answers.some(([, { kind }]) => kind === 'hung');
}

/** Some devices told nothing: why, and what a person runs instead. */
function unanswered(id: 'npu/link' | 'npu/tls', answers: DeviceAnswers, flags: string, host: string): PreflightCheck {
  const devices = idsText(answers.map(([device]) => device));
  const where = `${host}: hccn_tool for device ${devices}`;
  const command = `hccn_tool -i DEVICE ${flags} (for DEVICE ${devices})`;
  const kinds = new Map(answers.toReversed().map(([, answer]) => [answer.kind, answer.text]));
  if (kinds.has('hung')) {
    return checkedNpu(id, 'fail', {
      where,
      what: `it did not answer: ${kinds.get('hung') ?? ''}`,
      why: 'a driver that does not answer connects no rank',
      fix: `look at dmesg and the log of the driver, then ${command}`,
    });
  }
  if (kinds.has('root')) {
    return checkedNpu(id, 'skipped', { where, what: 'only root may ask', fix: `as root: ${command}` });
  }
  if (kinds.has('missing')) {
    return checkedNpu(id, 'skipped', {
      where,
      what: 'the program is not there',
      fix: `it comes with the driver: mount /usr/local/Ascend/driver/tools into the container, or on the machine: ${command}`,
    });
  }
  const [text = 'no device was asked'] = [...kinds.values()];
  return checkedNpu(id, kinds.has('unsupported') ? 'skipped' : 'warn', { where, what: text, fix: command });
}

/** Linux gives every network of its own one of this name. */
const LOOPBACK = 'lo';

/** Whether the interface that the spec names, or that of the training address, is there and up. */
export function judgeInterface(
  { train, fleet }: Pick<PipelineSpec, 'train' | 'fleet'>,
  { interfaces, trainingInterface }: HostSight,
  host: string,
): PreflightCheck {
  const stated = ['HCCL_SOCKET_IFNAME', 'GLOO_SOCKET_IFNAME'].flatMap((name) => {
    const value = train.env[name];
    return value === undefined ? [] : [{ name, value: String(value) }];
  });
  const lost = stated.filter(({ name, value }) => !matchesAny(value, interfaces, name === 'GLOO_SOCKET_IFNAME'));
  if (lost.length > 0) {
    return checkedNpu('npu/interface', 'fail', {
      where: host,
      what: `no interface that is up fits ${lost.map(({ name, value }) => `${name}: ${value}`).join(', ')}; there are ${interfaces.join(', ')}`,
      fix: 'correct train.env, or remove it there: each host then takes the interface of its training address',
    });
  }
  const others = interfaces.filter((name) => name !== LOOPBACK);
  const closed = stated.filter(({ name, value }) => !matchesAny(value, others, name === 'GLOO_SOCKET_IFNAME'));
  if (fleet.hosts > 1 && closed.length > 0) {
    return checkedNpu('npu/interface', 'fail', {
      where: host,
      what: `${closed.map(({ name, value }) => `${name}: ${value}`).join(', ')} is the loopback, on which no other host is reached`,
      fix: 'correct train.env, or remove it there: each host then takes the interface of its training address',
    });
  }
  if (fleet.hosts > 1 && stated.length === 0 && trainingInterface === LOOPBACK) {
    return checkedNpu('npu/interface', 'warn', {
      where: host,
      what: 'the training address is one of the loopback, on which hosts of other machines are not reached',
      fix: 'start the worker with the address of its training interface: temper worker --train-address IP',
    });
  }
  if (stated.length === 0 && trainingInterface === null) {
    return checkedNpu('npu/interface', 'warn', {
      where: host,
      what: 'no interface has the training address, so each library chooses one by itself',
      fix: 'start the worker with the address of its training interface: temper worker --train-address IP',
    });
  }
  const what =
    stated.length === 0 ? `${trainingInterface ?? ''} has the training address` : 'the named interface is up';
  return checkedNpu('npu/interface', 'ok', { where: host, what });
}

/**
 * HCCL reads a list of beginnings of names; `=` asks for whole names, `^` for all others. Gloo reads whole names.
 */
function matchesAny(value: string, interfaces: readonly string[], areWhole: boolean): boolean {
  const [, sign = '', list = ''] = /^(\^?=?)(.*)$/.exec(value) ?? [];
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const isNamed = (own: string): boolean =>
    names.some((name) => (areWhole || sign.includes('=') ? own === name : own.startsWith(name)));
  return interfaces.some((own) => isNamed(own) !== sign.includes('^'));
}
