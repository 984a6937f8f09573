import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLEET_TIMING, isTimingOrdered, LOCAL_TIMING, scaleTiming } from '../../src/domain/timing.js';
import { TimingSchema } from '../../src/schemas/timing.js';

describe.each([
  ['fleet', FLEET_TIMING],
  ['local', LOCAL_TIMING],
])('the timers of a %s', (_name, timing) => {
  it('fit their schema and are in order', () => {
    expect(TimingSchema.parse(timing)).toEqual(timing);
    expect(isTimingOrdered(timing)).toBe(true);
  });

  it('keep their order under every factor that is accepted, from a thousandth to a thousandfold (property)', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1_000, noNaN: true }), (factor) => {
        const scaled = scaleTiming(timing, factor);
        expect(isTimingOrdered(scaled)).toBe(true);
        expect(TimingSchema.safeParse(scaled).success).toBe(true);
      }),
    );
  });

  it('are in order or refused whatever the factor (property)', () => {
    fc.assert(
      fc.property(fc.double(), (factor) => {
        try {
          expect(isTimingOrdered(scaleTiming(timing, factor))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it.each(['heartbeatThrottleMs', 'heartbeatIntervalMs', 'heartbeatTimeoutMs', 'probeTimeoutMs'] as const)(
    'are out of order when %s is too long',
    (name) => {
      expect(isTimingOrdered({ ...timing, [name]: timing.fenceTimeoutMs })).toBe(false);
    },
  );

  it('may have no orphan timeout', () => {
    const never = { ...timing, orphanTimeoutMs: 0 };
    expect(scaleTiming(never, 2).orphanTimeoutMs).toBe(0);
    expect(isTimingOrdered(never)).toBe(true);
    expect(isTimingOrdered({ ...timing, orphanTimeoutMs: 1 })).toBe(false);
  });
});
