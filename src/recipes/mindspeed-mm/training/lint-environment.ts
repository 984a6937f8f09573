import { isLauncherVariable } from '../../../domain/spec/rules.js';
import { suggest } from '../../../domain/spec/suggest.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Lint } from '../../recipe.js';
import { findVariable, KNOWN_VARIABLES, ruleFor, VARIABLES } from './environment-table.js';
import { refuseOwned, refuseVariable } from '../../refuse-variable.js';
import { isOwned } from './owned-variables.js';
import { productOf, type Platform } from './value-rules.js';

/** CANN version of the reference set: what ranges are judged by until the hosts were asked. */
export const REFERENCE_CANN = '8.3.RC1';

/** What is wrong or risky in `train.env`; `cann` is the version on the hosts where it is known. */
export function environmentLints({ train, fleet }: PipelineSpec, cann: string = REFERENCE_CANN): readonly Lint[] {
  const others = Object.fromEntries(Object.entries(train.env).map(([name, value]) => [name, String(value)]));
  const devicesPerHost = fleet.npusPerHost;
  const platform: Platform = { product: productOf(devicesPerHost), cann, devicesPerHost, others };
  return Object.entries(others).flatMap(([name, value]) => variableLints(name, value, platform));
}

function variableLints(name: string, value: string, platform: Platform): Lint[] {
  const special = [...forbidden(name, value, platform), ...risky(name, value)];
  if (special.some(({ severity }) => severity === 'error')) return special;
  return [...special, ...outside(name, value, platform), ...unknown(name)];
}

/** What no acceptance makes right. */
function forbidden(name: string, value: string, { devicesPerHost }: Platform): Lint[] {
  if (isOwned(name)) {
    return [
      refuseOwned(name, {
        why: 'each host gets its own value from the attempt; one written here would be the same everywhere',
        fix: `remove train.env.${name}`,
      }),
    ];
  }
  if (name === 'NPUS_PER_NODE' && Number(value) !== devicesPerHost) {
    return [
      refuseVariable('env/npus-per-node', name, {
        what: `NPUS_PER_NODE is ${value}, fleet.npusPerHost is ${devicesPerHost}`,
        why: 'world size and global batch follow from the fleet',
        fix: `remove it, or set fleet.npusPerHost to ${value}`,
      }),
    ];
  }
  if (name === 'HCCL_EXEC_TIMEOUT' && Number(value) === 0) {
    return [
      refuseVariable('env/never-timeout', name, {
        what: 'HCCL_EXEC_TIMEOUT is 0, which means never',
        why: 'when one rank dies, all others would wait for it until somebody looks',
        fix: 'set seconds: 1800 is the default, twice the time of a save is enough',
      }),
    ];
  }
  if (name === 'CUDA_DEVICE_MAX_CONNECTIONS' && value === '1') {
    return [
      refuseVariable('env/one-connection', name, {
        what: 'CUDA_DEVICE_MAX_CONNECTIONS is 1',
        why: 'the training refuses it together with FSDP2, after all ranks have started',
        fix: 'remove it; 2 is set',
      }),
    ];
  }
  if (name === 'TORCH_NPU_COMPACT_ERROR_OUTPUT') {
    return [
      refuseVariable('env/compact-errors', name, {
        what: `TORCH_NPU_COMPACT_ERROR_OUTPUT is ${value}`,
        why: 'it leaves out the line with rank, device and error code, by which the first cause of a failure is found',
        fix: `remove train.env.${name}`,
      }),
    ];
  }
  return visibleDevices(name, value, devicesPerHost);
}

function visibleDevices(name: string, value: string, devicesPerHost: number): Lint[] {
  if (name !== 'ASCEND_RT_VISIBLE_DEVICES') return [];
  const devices = new Set(value.split(',').map((id) => id.trim()));
  const isList = [...devices].every((id) => /^\d{1,3}$/.test(id));
  if (isList && devices.size === devicesPerHost) return [];
  return [
    refuseVariable('env/visible-devices', name, {
      what: `ASCEND_RT_VISIBLE_DEVICES is ${value}, but ${devicesPerHost} ranks run on a host`,
      why: 'a rank without a device of its own fails when it starts, or shares one and runs out of memory',
      fix: `name ${devicesPerHost} different devices, or remove it`,
    }),
  ];
}

function risky(name: string, value: string): Lint[] {
  if (name !== 'ASCEND_LAUNCH_BLOCKING' || value !== '1') return [];
  return [
    {
      id: 'env/launch-blocking',
      severity: 'warning',
      acceptable: true,
      path: ['train', 'env', name],
      what: 'ASCEND_LAUNCH_BLOCKING is 1',
      why: 'operators run one after the other: good for finding a fault, several times slower',
      fix: 'set it to 0 for a real training',
    },
  ];
}

function outside(name: string, value: string, platform: Platform): Lint[] {
  const variable = findVariable(name);
  if (variable === null) return [];
  const rule = ruleFor(variable, platform);
  const wrong = rule.check(value, platform);
  if (wrong === null) return [];
  return [
    {
      id: 'env/out-of-range',
      severity: 'error',
      acceptable: true,
      path: ['train', 'env', name],
      what: `${name} is ${JSON.stringify(value)}: ${wrong}`,
      why: `${platform.product === 'unknown' ? 'the guide' : platform.product} with CANN ${platform.cann} documents ${rule.form}`,
      fix: `use ${rule.form}`,
    },
  ];
}

function unknown(name: string): Lint[] {
  if (findVariable(name) !== null || KNOWN_VARIABLES.has(name) || isLauncherVariable(name)) return [];
  const near = suggest(name, [...VARIABLES.map((variable) => variable.name), ...KNOWN_VARIABLES]);
  return [
    {
      id: 'env/unknown-variable',
      severity: 'warning',
      acceptable: true,
      path: ['train', 'env', name],
      what: `${name} is not a variable that this training is known to read`,
      why: 'a misspelt variable has no effect and no error',
      fix: near === null ? 'check its name' : `did you mean ${near}?`,
    },
  ];
}
