import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TemperClient } from '../../src/client/connect.js';
import { backfillSchedule } from '../../src/client/schedules/steer.js';
import { RetrainInputSchema } from '../../src/schemas/retrain.js';

const INPUT = RetrainInputSchema.parse(
  JSON.parse(readFileSync(new URL('../fixtures/formats/retrain-input/v1-command.json', import.meta.url), 'utf8')),
);

describe('a backfill', () => {
  it.each([
    [true, 0],
    [false, 1],
  ])('of a schedule whose pause is %s is sent %i times', async (paused, sent) => {
    const ranges: unknown[] = [];
    const handle = {
      describe: async () => ({
        action: { type: 'startWorkflow', args: [INPUT] },
        policies: { overlap: 'SKIP', catchupWindow: 60_000, pauseOnFailure: true },
        spec: { intervals: [{ every: 3_600_000, offset: 0 }], calendars: [], skip: [], jitter: 0, timezone: 'UTC' },
        state: { paused, note: 'the disk is full' },
      }),
      backfill: async (range: unknown) => ranges.push(range),
    };
    // Safe: what a backfill uses of a client.
    const client = { temporal: { schedule: { getHandle: () => handle } } } as unknown as TemperClient;
    const range = { from: '2026-11-01', to: '2026-11-02' };
    const asked = backfillSchedule(client, 'dated', range).then(
      ({ did }) => did,
      (error: unknown) => error,
    );
    expect(await asked).toEqual(
      paused
        ? expect.objectContaining({
            problem: expect.objectContaining({ fix: 'temper schedule unpause dated, then the backfill again' }),
          })
        : 'backfilled',
    );
    expect(ranges).toHaveLength(sent);
  });
});
