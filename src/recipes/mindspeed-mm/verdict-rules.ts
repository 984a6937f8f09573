import type { CauseRule } from '../../domain/causes/causes.js';
import { COMMUNICATION_RULES, WRAPPER_RULES } from './verdict/communication.js';
import { DEVICE_RULES } from './verdict/device.js';
import { HOST_RULES } from './verdict/host.js';

/**
 * What failures on Ascend look like, looked at before the generic rows. A line meets the first rule that fits, so what
 * explains stands before what only passes a failure on. `ERR99999` has no rule on purpose: it marks an exception of
 * Python, which the generic rows judge by its class.
 */
export const verdictRules: readonly CauseRule[] = [
  ...HOST_RULES,
  ...DEVICE_RULES.filter(({ isCascade }) => !isCascade),
  ...COMMUNICATION_RULES,
  ...DEVICE_RULES.filter(({ isCascade }) => isCascade),
  ...WRAPPER_RULES,
];
