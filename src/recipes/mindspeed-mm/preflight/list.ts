import { rowResult, type Seen } from '../../../domain/preflight/list.js';
import type { CheckFault, CheckStatus, PreflightCheck } from '../../../schemas/preflight.js';

interface Row {
  readonly fault: CheckFault;
  /** What a failure leads to. */
  readonly why: string;
}

/** What this recipe looks at on hosts beyond the list of every recipe; the last five need several hosts. */
export const NPU_CHECKS = {
  'npu/tools': { fault: 'host', why: 'without an answer of the driver nothing is known about the devices' },
  'npu/devices': { fault: 'host', why: 'each rank needs a device of its own' },
  'npu/health': { fault: 'host', why: 'a sick device ends the training, often hours later' },
  'npu/memory': { fault: 'leftover', why: 'ranks run out of device memory while they load' },
  'npu/processes': { fault: 'host', why: 'two trainings on one device end each other' },
  'npu/interface': { fault: 'config', why: 'ranks wait for each other until the connection times out' },
  'npu/link': { fault: 'host', why: 'ranks wait for each other until the connection times out' },
  'npu/optics': {
    fault: 'host',
    why: 'a link with weak light loses packets, and the collectives with them, hours later',
  },
  'npu/tls': { fault: 'host', why: 'a device with TLS and one without cannot connect' },
  'npu/versions': { fault: 'host', why: 'driver and firmware must be the same on all hosts' },
  'npu/super-pod': { fault: 'host', why: 'devices of one super pod find each other by their place in it' },
  'npu/same-devices': { fault: 'config', why: 'all hosts get the same number of ranks' },
  'npu/same-versions': { fault: 'config', why: 'ranks with different drivers fail late' },
  'npu/same-tls': { fault: 'config', why: 'a device with TLS and one without cannot connect' },
  'npu/super-pods': { fault: 'config', why: 'devices of one super pod find each other by their place in it' },
} as const satisfies Record<string, Row>;
/** A check of this recipe. */
export type NpuCheckId = keyof typeof NPU_CHECKS;

/** Result of a check of this recipe. */
export function checkedNpu(id: NpuCheckId, status: CheckStatus, seen: Seen): PreflightCheck {
  return rowResult(id, NPU_CHECKS[id], status, seen);
}
