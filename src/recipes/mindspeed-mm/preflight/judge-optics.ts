import type { PreflightCheck } from '../../../schemas/preflight.js';
import { readFields } from './device-table.js';
import { some } from './devices.js';
import type { DeviceAnswers } from './judge-network.js';
import { checkedNpu } from './list.js';

/**
 * Light that the modules of the devices send and get, by their own limits: `Rx Power0 : 0.0090 mW` against `RxPower Low
 * Thres : 0.1445 mW`, for each lane (hccn_tool's source in the repository of the driver). Only warned of: the link says
 * whether it is down. Null where no device has a module that tells it.
 */
export function judgeOptics(answers: DeviceAnswers, host: string): PreflightCheck | null {
  const modules = answers.flatMap(([device, { kind, text }]) => {
    const fields = kind === 'answered' ? readFields(text) : new Map<string, string>();
    return isThere(fields) ? [{ device, wrong: beyond(fields) }] : [];
  });
  if (modules.length === 0) return null;
  const weak = modules.filter(({ wrong }) => wrong.length > 0);
  const [first] = weak;
  if (first === undefined) {
    return checkedNpu('npu/optics', 'ok', {
      where: host,
      what: `the light of ${modules.length} modules is in its limits`,
    });
  }
  return checkedNpu('npu/optics', 'warn', {
    where: host,
    what: some(weak.map(({ device, wrong }) => `device ${device}: ${wrong.join(', ')}`)),
    fix: `clean or change module and fibre; as root: hccn_tool -i ${first.device} -optical -g, and -link_stat -g for how often the link went down`,
  });
}

type Fields = ReadonlyMap<string, string>;

function isThere(fields: Fields): boolean {
  return fields.get('present') === 'present' && lanesOf(fields).length > 0;
}

interface Lane {
  readonly name: string;
  readonly direction: 'rx' | 'tx';
  readonly value: Measured;
}

interface Measured {
  readonly value: number;
  readonly unit: string;
}

function lanesOf(fields: Fields): readonly Lane[] {
  return [...fields].flatMap(([key, text]) => {
    const direction = /^(rx|tx) ?power ?\d*$/.exec(key)?.[1];
    const value = measured(text);
    return value === null || (direction !== 'rx' && direction !== 'tx') ? [] : [{ name: key, direction, value }];
  });
}

/** `NA` where a module does not tell; thresholds of zero are those of one that has none. */
function measured(text: string | undefined): Measured | null {
  const [, value, unit = ''] = /^(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text ?? '') ?? [];
  return value === undefined ? null : { value: Number(value), unit: unit.toLowerCase() };
}

function beyond(fields: Fields): readonly string[] {
  const limitOf = (direction: string, side: 'low' | 'high'): Measured | null => {
    const key = [...fields.keys()].find((one) => new RegExp(`^${direction} ?power ${side} thres`).test(one));
    return key === undefined ? null : measured(fields.get(key));
  };
  return lanesOf(fields).flatMap(({ name, direction, value }) => {
    const [low, high] = [limitOf(direction, 'low'), limitOf(direction, 'high')];
    const isNear = (limit: Measured | null): limit is Measured => limit !== null && limit.unit === value.unit;
    if (isNear(low) && isNear(high) && low.value >= high.value) return [];
    if (isNear(low) && value.value < low.value) return [`${name} ${tell(value)} is below ${tell(low)}`];
    if (isNear(high) && value.value > high.value) return [`${name} ${tell(value)} is above ${tell(high)}`];
    return [];
  });
}

function tell({ value, unit }: Measured): string {
  return `${value} ${unit === 'mw' ? 'mW' : unit === 'dbm' ? 'dBm' : unit}`.trim();
}
