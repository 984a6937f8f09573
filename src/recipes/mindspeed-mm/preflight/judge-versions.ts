import type { PreflightCheck } from '../../../schemas/preflight.js';
import type { Answer } from './answers.js';
import { readFields } from './device-table.js';
import { checkedNpu } from './list.js';

/** Version of the firmware, from `npu-smi info -t board`; null where it is not told. */
export function firmwareIn({ kind, text }: Answer): string | null {
  return kind === 'answered' ? toldIn(readFields(text), 'firmware version') : null;
}

/** What stands for "not told": words, dashes, and numbers that are all ones. */
const NOT_TOLD = /^(N\/?A|none|unknown|-+|-1|4294967295|0xf{8})$/i;

function toldIn(fields: ReadonlyMap<string, string>, key: string): string | null {
  const value = fields.get(key);
  return value === undefined || NOT_TOLD.test(value) ? null : value;
}

/** Driver and firmware of a host; whether they are those of the others is compared later. */
export function judgeVersions(driver: string | null, firmware: string | null, host: string): PreflightCheck {
  if (driver !== null && firmware !== null) {
    return checkedNpu('npu/versions', 'ok', { where: host, what: `driver ${driver}, firmware ${firmware}` });
  }
  // On some products only root is told the firmware.
  return checkedNpu('npu/versions', 'skipped', {
    where: host,
    what: `driver ${driver ?? 'unknown'}; the firmware is not told to this user`,
    fix: 'as root: npu-smi info -t board -i 0',
  });
}

/** Place of a host in its super pod, from `npu-smi info -t spod-info`. */
export interface SuperPodPlace {
  readonly superPod: string;
  readonly serverIndex: string;
  /** Address of the first device in the super pod. */
  readonly sdid: string;
}

/** null: the product has no super pods, or it is not told. */
export function superPodIn({ kind, text }: Answer): SuperPodPlace | null {
  if (kind !== 'answered') return null;
  const fields = readFields(text);
  const superPod = toldIn(fields, 'super pod id');
  const serverIndex = toldIn(fields, 'server index');
  const sdid = toldIn(fields, 'sdid');
  if (superPod === null || serverIndex === null || sdid === null) return null;
  return { superPod, serverIndex, sdid };
}

/** Where the host is in its super pod; whether others claim the same place is compared later. */
export function judgeSuperPod(answer: Answer, place: SuperPodPlace | null, host: string): PreflightCheck {
  if (place !== null) {
    const what = `super pod ${place.superPod}, server ${place.serverIndex}`;
    return checkedNpu('npu/super-pod', 'ok', { where: host, what });
  }
  if (answer.kind === 'unsupported') {
    return checkedNpu('npu/super-pod', 'ok', { where: host, what: 'this product has no super pods' });
  }
  return checkedNpu('npu/super-pod', 'skipped', {
    where: host,
    what: 'the place in the super pod is not told',
    fix: 'npu-smi info -t spod-info -i 0 -c 0',
  });
}
