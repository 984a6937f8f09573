import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { TemperClient } from '../../src/client/connect.js';
import { planOnHost } from '../../src/client/plans.js';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type { PlanReport } from '../../src/schemas/host-call.js';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/formats/${name}.json`, import.meta.url), 'utf8'));

/** What is planned for so many hosts on a fleet of h1 and h2, where h2 may be set aside. */
async function planFor(hosts: number, setAside: readonly object[] = []): Promise<PlanReport> {
  const fleet = { ...(golden('fleet-state/v1') as object), setAside };
  const fake = {
    temporal: {
      activity: { execute: async () => golden('plan-report/v1') },
      connection: { withDeadline: (_deadline: number, call: () => unknown) => call() },
      workflow: { getHandle: () => ({ query: async () => fleet }) },
    },
    target: { timing: LOCAL_TIMING },
  };
  const specText = cpuTiny.template.replace(/hosts: \d+/, `hosts: ${hosts}`);
  // Safe: what `planOnHost` uses of a client.
  return planOnHost(fake as unknown as TemperClient, { specText, file: '/s.yaml', run: null });
}

const missing = ({ warnings }: PlanReport): string[] =>
  warnings.filter(({ code }) => code === 'NoHosts').map(({ what }) => what);

it('a plan warns of hosts that are not there, or set aside', async () => {
  expect(missing(await planFor(2))).toEqual([]);
  expect(missing(await planFor(5))).toEqual(['the run needs 5 hosts, and 2 are there']);
  const aside = { host: 'h2', kind: 'unfit', reason: 'maintenance', at: '2026-11-27T10:00:00.000Z' };
  expect(missing(await planFor(2, [aside]))).toEqual(['the run needs 2 hosts, and 1 are there']);
});
