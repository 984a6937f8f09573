import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getFleet } from '../../src/client/fleet.js';
import { readIncidents } from '../../src/host/run/incidents.js';
import type { Cause, Reaction } from '../../src/schemas/incident.js';
import { startDev, type Dev } from '../e2e/support/dev.js';
import { follow, rankPids, start } from '../e2e/support/runs.js';
import { simulatedSpec } from '../e2e/support/simulated-spec.js';

interface Case {
  readonly name: string;
  readonly fault: Readonly<Record<string, unknown>>;
  /** Whether the fault strikes once only. */
  readonly once: boolean;
  readonly end: 'done' | 'blocked';
  readonly incidents: readonly (readonly [Cause, Reaction])[];
}

const CASES: readonly Case[] = [
  {
    name: 'killed',
    fault: { kind: 'signal', rank: 3, iteration: 70, signal: 'SIGKILL' },
    once: true,
    end: 'done',
    incidents: [['rank-killed', 'restart']],
  },
  {
    name: 'crashed',
    fault: { kind: 'signal', rank: 0, iteration: 70, signal: 'SIGSEGV' },
    once: true,
    end: 'done',
    incidents: [['rank-crashed', 'restart']],
  },
  {
    name: 'status-1',
    fault: { kind: 'exit', rank: 2, iteration: 70, code: 1 },
    once: true,
    end: 'done',
    incidents: [['rank-exit', 'restart']],
  },
  {
    name: 'died-in-save',
    fault: { kind: 'die-in-save', rank: 1, iteration: 100 },
    once: true,
    end: 'done',
    incidents: [['rank-killed', 'restart']],
  },
  {
    name: 'nan',
    fault: { kind: 'nan', rank: 1, iteration: 70 },
    once: true,
    end: 'done',
    incidents: [['nan-loss', 'restart']],
  },
  {
    name: 'memory-twice',
    fault: { kind: 'out-of-memory', rank: 3, iteration: 30 },
    once: false,
    end: 'blocked',
    incidents: [
      ['out-of-memory', 'restart'],
      ['out-of-memory', 'stop'],
    ],
  },
  {
    name: 'port',
    fault: { kind: 'port-taken' },
    once: true,
    end: 'done',
    incidents: [['port-taken', 'clean-restart']],
  },
  {
    name: 'data',
    fault: { kind: 'data-error', rank: 2, iteration: 70 },
    once: false,
    end: 'blocked',
    incidents: [['data-error', 'stop']],
  },
  {
    name: 'disk',
    fault: { kind: 'disk-full', rank: 1, iteration: 50 },
    once: false,
    end: 'blocked',
    incidents: [['disk-full', 'stop']],
  },
  {
    name: 'argument',
    fault: { kind: 'bad-argument', rank: 'all' },
    once: false,
    end: 'blocked',
    incidents: [['bad-input', 'stop']],
  },
  {
    name: 'keys',
    fault: { kind: 'missing-keys', rank: 'all' },
    once: false,
    end: 'blocked',
    incidents: [['empty-load', 'stop']],
  },
];

describe('each fault of a training', { timeout: 240_000 }, () => {
  let dev: Dev;
  beforeAll(async () => {
    // Two gangs at once: a training waits more than it computes.
    dev = await startDev(['--hosts', '4']);
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  it.concurrent.each(CASES)('is named and answered: $name', async ({ name, fault, once, end, incidents }) => {
    const faults = join(dev.home, `${name}.json`);
    const list = [{ ...fault, ...(once ? { once: join(dev.home, `${name}.struck`) } : {}) }];
    await writeFile(faults, JSON.stringify({ v: 1, faults: list }));
    const workspace = join(dev.home, 'workspace');
    const env = { SIM_FAULTS: faults, SIM_STEP_MS: 5, SIM_GRACE_MS: 2_000 };
    const run = await start(dev.client, simulatedSpec({ name, workspace, env }), 'train');
    const status = await follow(dev.client, run);
    const recorded = await readIncidents(workspace, run);
    const told = recorded.map(({ verdict, reaction }) => [verdict.cause, reaction]);
    expect(told, JSON.stringify({ problem: status.problem, recorded })).toEqual(incidents);
    expect(status.state, JSON.stringify(status.problem)).toBe(end);
    expect(status.incidents).toBe(incidents.length);
    expect(status.incident).toMatchObject({ cause: incidents.at(-1)?.[0], reaction: incidents.at(-1)?.[1] });
    if (end === 'blocked') {
      const last = recorded.at(-1);
      expect(status.problem?.what).toContain(last?.verdict.sentence.slice(0, 40));
      expect(last?.verdict.evidenceLines.length).toBeGreaterThan(0);
    }
    const { leases } = await getFleet(dev.client, 'default');
    expect(leases.filter(({ owner }) => owner.includes(run))).toEqual([]);
    expect(rankPids(dev, run)).toEqual([]);
  });
});
