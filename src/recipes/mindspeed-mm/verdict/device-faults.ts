import type { CauseRule } from '../../../domain/causes/causes.js';
import type { Reaction } from '../../../schemas/incident.js';
import { row } from './row.js';

/** What Huawei's own fleet manager does about a device fault, and what Temper does. */
export interface DeviceFault {
  /** Code as device, driver and manager write it, in upper case without `0x`. */
  readonly code: string;
  readonly meaning: string;
  /** MindCluster's level (device plugin, faultCode.json and faultCustomization.json). */
  readonly level: string;
  /** `note`: told, and nothing done about a training that runs. */
  readonly answer: Reaction | 'note';
}

/** Fault codes by device, sources: MindCluster component/ascend-device-plugin. */
export const DEVICE_FAULTS: readonly DeviceFault[] = [
  fault('80E01801', 'multi-bit fault of the device memory when it was read', 'RestartBusiness', 'restart'),
  fault('80E18402', '64 rows of the device memory are isolated: send it back', 'SeparateNPU', 'replace-host'),
  fault('80E18401', '16 rows of the device memory are isolated', 'NotHandle', 'note'),
  fault('80E18400', 'fault of the device memory, with a process of the host', 'NotHandle', 'note'),
  fault('80E01809', 'fault of the device memory, found by its patrol', 'NotHandle', 'note'),
  fault('80E18005', 'parity fault of the memory controller', 'RestartNPU', 'clean-restart'),
  fault('80E18008', 'multi-bit fault in the memory controller', 'RestartNPU', 'clean-restart'),
  fault('80E18404', 'many uncorrectable faults of the device memory', 'RestartNPU', 'clean-restart'),
  fault('80E0020B', 'device memory is fatally hot', 'SeparateNPU', 'replace-host'),
  fault('80E20207', 'the chip is hot', 'SubHealth', 'note'),
  fault('80C98008', 'multi-bit fault in a matrix core', 'RestartRequest', 'restart'),
  fault('80CB8008', 'multi-bit fault in a vector core', 'RestartRequest', 'restart'),
  fault('80FA4E00', 'heartbeat of the task scheduler', 'RestartNPU', 'clean-restart'),
  fault('812E4E00', 'heartbeat of the firmware of the task scheduler', 'RestartNPU', 'clean-restart'),
  fault('40F84E00', 'heartbeat between boards', 'RestartNPU', 'clean-restart'),
  fault('8C204E00', 'heartbeat of the daemon of the task scheduler', 'RestartBusiness', 'restart'),
  fault('81078603', 'network port went down', 'NotHandle', 'note'),
  fault('81B18603', 'port between devices went down', 'NotHandle', 'note'),
  fault('220001001', 'network between the devices of a supernode', 'SeparateNPU', 'replace-host'),
];

/** What a fault code means; `null` for one that is not listed, which counts as notice or separation by its severity. */
export function findDeviceFault(code: string): DeviceFault | null {
  const plain = code.trim().toUpperCase().replace(/^0X/, '');
  return DEVICE_FAULTS.find((one) => one.code === plain) ?? null;
}

/** Rules for codes that stand in a log. Those that nothing is done about are no cause of a failure. */
export function faultRules(): CauseRule[] {
  return DEVICE_FAULTS.flatMap(({ code, meaning, answer }) =>
    answer === 'note'
      ? []
      : [
          row(
            `device-fault-${code.toLowerCase()}`,
            new RegExp(`\\b(0x)?${code}\\b`, 'i'),
            'device-fault',
            answer,
            `a device of {host} reports a fault (${meaning}): {text}`,
          ),
        ],
  );
}

function fault(code: string, meaning: string, level: string, answer: DeviceFault['answer']): DeviceFault {
  return { code, meaning, level, answer };
}
