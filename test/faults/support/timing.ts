import { LOCAL_TIMING } from '../../../src/domain/timing.js';
import type { Timing } from '../../../src/schemas/timing.js';

/**
 * Timers of the suite: short enough to wait for, long enough for two busy cores. The worker's own throttle of one
 * second comes from `temper dev`'s timers.
 */
export const TIMING: Timing = {
  ...LOCAL_TIMING,
  heartbeatIntervalMs: 300,
  heartbeatThrottleMs: 1_000,
  heartbeatTimeoutMs: 4_000,
  probeTimeoutMs: 6_000,
  fenceTimeoutMs: 8_000,
  scheduleToStartMs: 8_000,
  callTimeoutMs: 6_000,
  stopGraceMs: 3_000,
  stallStartMs: 30_000,
  stallStepMs: 6_000,
  stallSaveMs: 12_000,
  pollMs: 200,
  retryInitialMs: 300,
  retryMaximumMs: 2_000,
};
