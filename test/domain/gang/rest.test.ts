import { describe, expect, it } from 'vitest';
import { restMs } from '../../../src/domain/gang/rest.js';
import { FLEET_TIMING } from '../../../src/domain/timing.js';

const HOUR = 3_600_000;
/** What the server allows, and what a probe leaves there with what it makes the workflow do. */
const MOST_EVENTS = 51_200;
const EVENTS_OF_A_PROBE = 7;

describe('rests between the probes of a silent host', () => {
  it.each([
    { hosts: 128, silence: 'until its keepers are ended', lastsMs: FLEET_TIMING.orphanTimeoutMs, stepMs: Infinity },
    { hosts: 1, silence: 'of a week', lastsMs: 168 * HOUR, stepMs: 8 * FLEET_TIMING.probeTimeoutMs },
    { hosts: 128, silence: 'of a month', lastsMs: 720 * HOUR, stepMs: Infinity },
  ])('leave $hosts hosts room in the history for a silence $silence', ({ hosts, lastsMs, stepMs }) => {
    const probeMs = FLEET_TIMING.callTimeoutMs;
    let probes = 0;
    for (let silentMs = 0; silentMs < lastsMs; probes += 1)
      silentMs += Math.max(probeMs, restMs(silentMs, Math.min(stepMs, lastsMs - silentMs)));
    // Between two rests there is a short probe.
    expect(2 * probes * hosts * EVENTS_OF_A_PROBE).toBeLessThan(MOST_EVENTS);
  });

  it('end when something is to be decided', () => {
    expect(restMs(10 * HOUR, 5)).toBe(5);
    expect(restMs(5, Number.POSITIVE_INFINITY)).toBe(5);
    expect(restMs(10 * HOUR, -1)).toBe(0);
  });
});
