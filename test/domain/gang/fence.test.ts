import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareFences, fenceTimes } from '../../../src/domain/gang/fence.js';
import { FLEET_TIMING, LOCAL_TIMING } from '../../../src/domain/timing.js';

describe('the order of attempts on a host', () => {
  it('goes by lease, then by attempt', () => {
    const order = fc.record({ lease: fc.nat(5), attempt: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(order, order, order, (a, b, c) => {
        expect(Math.sign(compareFences(a, b)) + Math.sign(compareFences(b, a))).toBe(0);
        if (a.lease !== b.lease) expect(compareFences(a, b) > 0).toBe(a.lease > b.lease);
        else expect(Math.sign(compareFences(a, b))).toBe(Math.sign(a.attempt - b.attempt));
        if (compareFences(a, b) <= 0 && compareFences(b, c) <= 0) expect(compareFences(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('the times of a keeper', () => {
  it('are seconds for a fleet, and less for one machine', () => {
    expect(fenceTimes(FLEET_TIMING)).toEqual({ everyMs: 5_000, timeoutMs: 225_000 });
    expect(fenceTimes(LOCAL_TIMING)).toEqual({ everyMs: 500, timeoutMs: 22_500 });
  });

  it('leave room for looks and grace before the gang takes a silent host for harmless, under any scale', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 86_400_000 }), (fenceTimeoutMs) => {
        const { everyMs, timeoutMs } = fenceTimes({ fenceTimeoutMs });
        const graceMs = Math.min(2_000, timeoutMs / 10);
        // Noticed one look late, judged one look late, then the grace.
        expect(timeoutMs + 2 * everyMs + graceMs).toBeLessThan(fenceTimeoutMs * 0.9);
      }),
    );
  });
});
