import type { PreflightCheck } from '../../../schemas/preflight.js';
import type { HostSight, PreflightFacts } from '../../preflight.js';
import type { Answer } from './answers.js';
import { readDeviceTable, type Chip, type DeviceTable } from './device-table.js';
import { FULL_HOSTS, idsText, nameOf, PRODUCT_TITLES, productIn, some, wantedDevices } from './devices.js';
import { tellCode, type HealthCode } from './health-codes.js';
import { judgeProcesses } from './judge-processes.js';
import { checkedNpu, type NpuCheckId } from './list.js';

/** What the checks of a host's devices are made from. */
export interface DeviceFacts extends PreflightFacts {
  readonly sight: HostSight;
  /** Fault codes that a device which is not well tells. */
  codes(chip: Chip): readonly HealthCode[];
}

/** Devices, their health, memory and users, from the table of npu-smi; null where it could not be read. */
export function judgeTable(
  answer: Answer,
  facts: DeviceFacts,
): readonly [DeviceTable | null, readonly PreflightCheck[]] {
  const table = answer.kind === 'answered' ? readDeviceTable(answer.text) : null;
  const tools = judgeTools(answer, table, facts.host);
  if (table === null) return [null, [tools, ...NEED_TABLE.map((id) => notSeen(id, facts.host))]];
  const wanted = wantedDevices(facts.spec);
  const chips = table.chips.filter(({ physicalId }) => wanted.includes(physicalId));
  const [users, processes] = judgeProcesses(table, chips, facts);
  return [
    table,
    [
      tools,
      judgeCount(table, wanted, facts),
      judgeHealth(chips, facts),
      judgeMemory(
        chips.filter((chip) => !users.has(chip)),
        facts.host,
      ),
      processes,
    ],
  ];
}

const NEED_TABLE = ['npu/devices', 'npu/health', 'npu/memory', 'npu/processes'] as const satisfies NpuCheckId[];

function notSeen(id: NpuCheckId, host: string): PreflightCheck {
  return checkedNpu(id, 'skipped', { where: host, what: 'npu-smi gave no table of devices' });
}

function judgeTools(answer: Answer, table: DeviceTable | null, host: string): PreflightCheck {
  const where = `${host}: npu-smi`;
  if (table !== null) {
    return checkedNpu('npu/tools', 'ok', { where, what: `it lists devices; driver ${table.driver ?? 'unknown'}` });
  }
  const { kind, text } = answer;
  switch (kind) {
    case 'missing':
      return checkedNpu('npu/tools', 'fail', { where, what: text, fix: INSTALL_DRIVER });
    case 'hung':
      return checkedNpu('npu/tools', 'fail', {
        where,
        what: `it did not answer: ${text}`,
        why: 'a driver that does not answer starts no rank',
        fix: `look at dmesg and the log of the driver; reboot the host, or take it out of the fleet: temper cordon ${host} --reason TEXT`,
      });
    case 'busy':
      return checkedNpu('npu/tools', 'warn', {
        where,
        what: text,
        fix: `look again: temper doctor --host ${host} --spec FILE`,
      });
    case 'root':
    case 'unsupported':
    case 'failed':
    case 'answered':
      return checkedNpu('npu/tools', 'fail', {
        where,
        what: kind === 'answered' ? 'it lists no device' : text,
        fix: /-8005|root|permission/i.test(text)
          ? 'let the worker run as a member of the group HwHiAiUser (usermod -aG HwHiAiUser USER, then start it again); in a container: pass /dev/davinci*, davinci_manager, devmm_svm and hisi_hdc'
          : 'run npu-smi info as the user of the worker; libraries of the driver are found by LD_LIBRARY_PATH=/usr/local/Ascend/driver/lib64',
      });
  }
}

const INSTALL_DRIVER =
  'install the Ascend driver of the vendor; in a container mount /usr/local/bin/npu-smi, /usr/local/dcmi and /usr/local/Ascend/driver';

function judgeCount(table: DeviceTable, wanted: readonly number[], { host, spec }: DeviceFacts): PreflightCheck {
  const product = productIn(table);
  const title = PRODUCT_TITLES[product];
  const there = table.chips.map(({ physicalId }) => physicalId);
  const missing = wanted.filter((id) => !there.includes(id));
  const what = `${there.length} devices of ${title}, ${wanted.length} are wanted`;
  if (missing.length === 0) return checkedNpu('npu/devices', 'ok', { where: host, what });
  const full = FULL_HOSTS[product];
  if (full !== null && there.length >= full) {
    const hosts = Math.ceil((spec.fleet.hosts * wanted.length) / full);
    return checkedNpu('npu/devices', 'fail', {
      where: host,
      what,
      why: `a host of ${title} has ${full} devices`,
      fix: `set fleet: { hosts: ${hosts}, npusPerHost: ${full} } for the same number of ranks`,
      fault: 'config',
    });
  }
  return checkedNpu('npu/devices', 'fail', {
    where: host,
    what: `${what}; missing: ${idsText(missing)}`,
    fix: 'a card dropped out: reset it (as root: npu-smi set -t reset -i NPU -c CHIP) or reboot the host; in a container pass all /dev/davinci*',
  });
}

function judgeHealth(chips: readonly Chip[], { host, codes }: DeviceFacts): PreflightCheck {
  const sick = chips.filter(({ health }) => health !== 'OK').map((chip) => ({ chip, faults: codes(chip) }));
  if (sick.length === 0) return checkedNpu('npu/health', 'ok', { where: host, what: `${chips.length} devices are OK` });
  const isBroken = ({ known }: HealthCode): boolean => known?.answer === 'replace-host';
  const broken = sick.find(({ faults }) => faults.some(isBroken));
  // A device that its own fleet manager would take out is no warning, whatever it calls itself.
  const onlyWarnings = broken === undefined && sick.every(({ chip }) => chip.health === 'Warning');
  const { npu = 0, chip = 0 } = (broken ?? sick[0])?.chip ?? {};
  return checkedNpu('npu/health', onlyWarnings ? 'warn' : 'fail', {
    where: host,
    what: some(sick.map(tellSick)),
    fix:
      broken === undefined
        ? `npu-smi info -t health -i ${npu} -c ${chip} tells the code; a reset (as root: npu-smi set -t reset -i ${npu} -c ${chip}) or another host`
        : `no reset mends it: have it replaced, and take the host out of the fleet: temper cordon ${host} --reason TEXT`,
  });
}

function tellSick({ chip, faults }: { readonly chip: Chip; readonly faults: readonly HealthCode[] }): string {
  return `${nameOf(chip)} is ${chip.health}${faults.length === 0 ? '' : `: ${faults.map(tellCode).join(', ')}`}`;
}

/** An idle device holds about 3 of 64 GB; more than this share of it is somebody's. */
const IDLE_SHARE = 1 / 8;

function judgeMemory(chips: readonly Chip[], host: string): PreflightCheck {
  if (chips.length === 0) {
    return checkedNpu('npu/memory', 'skipped', { where: host, what: 'a training of Temper uses the devices' });
  }
  const full = chips.filter(({ usedMb, totalMb }) => usedMb > totalMb * IDLE_SHARE);
  if (full.length > 0) {
    return checkedNpu('npu/memory', 'fail', {
      where: host,
      what: some(full.map((chip) => `${nameOf(chip)} has ${chip.usedMb} of ${chip.totalMb} MB in use`)),
      fix: 'end what uses it (npu-smi info lists processes); when nothing does, reset the device as root: npu-smi set -t reset -i NPU -c CHIP',
    });
  }
  const least = Math.min(...chips.map(({ usedMb, totalMb }) => totalMb - usedMb));
  return checkedNpu('npu/memory', 'ok', { where: host, what: `at least ${least} MB of each device are free` });
}
