import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TemperClient } from '../../src/client/connect.js';
import { collect } from '../../src/client/retention.js';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import { RetrainInputSchema } from '../../src/schemas/retrain.js';
import type { HostCall } from '../../src/schemas/host-call.js';

/** Hosts h1 and h2. */
const FLEET: unknown = JSON.parse(
  readFileSync(new URL('../fixtures/formats/fleet-state/v1.json', import.meta.url), 'utf8'),
);
const KEPT_ALL = { olderThanMs: null, keepRuns: 0, maxBytes: null, keepCheckpoints: null };
const OUTPUT = { kind: 'output', name: 'store/convert/k1', bytes: 100, why: 'no run and no model needs it' };
const COPY = { kind: 'copy', name: 'weights/c0ffee', bytes: 100, why: 'the weights that it copies go' };

const SCHEDULED = RetrainInputSchema.parse(
  JSON.parse(readFileSync(new URL('../fixtures/formats/retrain-input/v1-command.json', import.meta.url), 'utf8')),
);

/** A client whose first host collects, and whose hosts answer about their copies by name; others do not answer. */
function clientOf(
  copies: Readonly<Record<string, readonly object[]>>,
  asked: HostCall[],
  told: unknown[] = [],
): TemperClient {
  const execute = async (activity: string, { taskQueue, args }: { taskQueue: string; args: readonly unknown[] }) => {
    // Safe: the client sends what the schemas say.
    if (activity === 'collectGarbage') {
      const { workspace, isDryRun, schedules } = args[0] as Record<'workspace', string> & Record<string, unknown>;
      told.push(schedules);
      const [totalBytes, freedBytes, count, items] = [900, 100, 1, [OUTPUT]];
      return { v: 1, host: 'h1', workspace, isDryRun, totalBytes, freedBytes, count, items, kept: [] };
    }
    asked.push(args[0] as HostCall);
    const items = copies[taskQueue.split('/')[2] ?? ''];
    if (items === undefined) throw new Error('nobody took the call');
    return { v: 1, items };
  };
  const fake = {
    temporal: {
      activity: { execute },
      schedule: {
        list: async function* () {
          yield { scheduleId: 'temper/schedule/nightly' };
          yield { scheduleId: 'of-somebody-else' };
        },
        getHandle: () => ({
          describe: async () => ({
            action: { type: 'startWorkflow', args: [SCHEDULED] },
            policies: SCHEDULED.when,
            spec: {},
          }),
        }),
      },
      connection: { withDeadline: (_deadline: number, call: () => unknown) => call() },
      workflow: { getHandle: () => ({ query: async () => FLEET }) },
    },
    target: { timing: LOCAL_TIMING },
  };
  // Safe: what `collect` uses of a client.
  return fake as unknown as TemperClient;
}

const gc = async (copies: Parameters<typeof clientOf>[0], isDryRun: boolean) => {
  const asked: HostCall[] = [];
  const place = { workspace: '/w', fleet: 'lab' };
  const [report] = await collect(clientOf(copies, asked), place, KEPT_ALL, isDryRun);
  return { report, asked };
};

describe('collect', () => {
  it('counts what each host has of copies, by its name', async () => {
    const { report } = await gc({ h1: [COPY], h2: [{ ...COPY, bytes: 50 }] }, false);
    expect(report).toMatchObject({ totalBytes: 1_050, freedBytes: 250, count: 3 });
    expect(report?.items.map(({ name }) => name)).toEqual(['h1:weights/c0ffee', 'h2:weights/c0ffee', OUTPUT.name]);
  });

  it('asks for the copies of what would go when nothing is removed yet, and of what is gone when it was', async () => {
    const goingOf = async (isDryRun: boolean) => (await gc({ h1: [], h2: [] }, isDryRun)).asked;
    const call = { v: 1, op: 'collectCopies', workspace: '/w' };
    expect(await goingOf(true)).toEqual(Array(2).fill({ ...call, going: [OUTPUT.name], isDryRun: true }));
    expect(await goingOf(false)).toEqual(Array(2).fill({ ...call, going: [], isDryRun: false }));
  });

  it('tells the host what schedules name', async () => {
    const told: unknown[] = [];
    await collect(clientOf({ h1: [] }, [], told), { workspace: '/w', fleet: 'lab' }, KEPT_ALL, true);
    const texts = expect.arrayContaining([
      '/mnt/shared/dated/{{date}}.json',
      '/mnt/shared/rows/{{date}}/*.json',
      '/opt/measure.py',
    ]);
    expect(told).toEqual([[{ name: 'dated', texts }]]);
  });

  it('does without a host that does not answer', async () => {
    const { report } = await gc({ h2: [COPY] }, false);
    expect(report?.items.map(({ name }) => name)).toEqual(['h2:weights/c0ffee', OUTPUT.name]);
  });
});
