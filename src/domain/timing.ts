import type { Timing } from '../schemas/timing.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Timers of a real fleet. The order heartbeat throttle < heartbeat < probe < fence < orphan is what keeps a
 * slow part from being taken for a dead one: each level must have had its chance before the next one acts.
 */
export const FLEET_TIMING: Timing = {
  heartbeatIntervalMs: 5 * SECOND,
  heartbeatThrottleMs: 10 * SECOND,
  // A heartbeat timeout shorter than a server restart ends healthy attempts (they re-attach, but noisily).
  heartbeatTimeoutMs: 3 * MINUTE,
  probeTimeoutMs: 4 * MINUTE,
  fenceTimeoutMs: 5 * MINUTE,
  orphanTimeoutMs: 24 * HOUR,
  scheduleToStartMs: 10 * MINUTE,
  callTimeoutMs: 30 * SECOND,
  stopGraceMs: 2 * MINUTE,
  // Loading hundreds of gigabytes and the first collective (20 min by itself) come before the first iteration.
  stallStartMs: 1 * HOUR,
  // Hang windows in the field are about ten minutes; collectives give up by themselves after thirty.
  stallStepMs: 10 * MINUTE,
  stallSaveMs: 36 * MINUTE,
  pollMs: 2 * SECOND,
  retryInitialMs: 5 * SECOND,
  retryMaximumMs: 1 * MINUTE,
};

/** Timers of `temper dev`: one machine, nobody waits minutes there for a worker to come back. */
export const LOCAL_TIMING: Timing = {
  heartbeatIntervalMs: 1 * SECOND,
  heartbeatThrottleMs: 1 * SECOND,
  // The embedded server restarts in about 3 s.
  heartbeatTimeoutMs: 6 * SECOND,
  probeTimeoutMs: 15 * SECOND,
  fenceTimeoutMs: 30 * SECOND,
  orphanTimeoutMs: 24 * HOUR,
  scheduleToStartMs: 2 * MINUTE,
  callTimeoutMs: 20 * SECOND,
  stopGraceMs: 10 * SECOND,
  // A cold start of the imports takes 10 s, and several times that on a laptop that is busy.
  stallStartMs: 3 * MINUTE,
  stallStepMs: 30 * SECOND,
  stallSaveMs: 2 * MINUTE,
  pollMs: 500,
  retryInitialMs: 500,
  retryMaximumMs: 5 * SECOND,
};

/**
 * Multiplies every timer by `factor` (> 0). Zero, which means never, stays zero. Throws RangeError for a factor so
 * small or large that whole milliseconds cannot hold the order between the timers.
 */
export function scaleTiming(timing: Timing, factor: number): Timing {
  if (!(factor > 0)) throw new RangeError(`a timing factor is above 0, not ${factor}`);
  const scaled = Object.entries(timing).map(
    ([name, value]) => [name, value === 0 ? 0 : Math.max(1, Math.round(value * factor))] as const,
  );
  const result = { ...timing, ...Object.fromEntries(scaled) };
  const isExact = scaled.every(([, value]) => Number.isSafeInteger(value));
  if (!isExact || (isTimingOrdered(timing) && !isTimingOrdered(result))) {
    throw new RangeError(`a timing factor of ${factor} leaves no order between the timers`);
  }
  return result;
}

/** Whether the timers keep the order that the recovery rules rely on. */
export function isTimingOrdered(t: Timing): boolean {
  const orphan = t.orphanTimeoutMs === 0 ? Number.POSITIVE_INFINITY : t.orphanTimeoutMs;
  return (
    t.heartbeatIntervalMs < t.heartbeatTimeoutMs &&
    t.heartbeatThrottleMs < t.heartbeatTimeoutMs &&
    t.heartbeatTimeoutMs < t.probeTimeoutMs &&
    t.probeTimeoutMs < t.fenceTimeoutMs &&
    t.fenceTimeoutMs < orphan
  );
}
