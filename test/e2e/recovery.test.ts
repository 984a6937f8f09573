import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TemperClient } from '../../src/client/connect.js';
import { getFleet } from '../../src/client/fleet.js';
import { readIncidents } from '../../src/host/run/incidents.js';
import type { Incident } from '../../src/schemas/incident.js';
import { startDev, waitFor, type Dev } from './support/dev.js';
import { replayHistories } from './support/histories.js';
import { follow, loggedIteration, rankPids, start } from './support/runs.js';
import { tinySpec } from './support/tiny-spec.js';

const ITERATIONS = 60;
const runs: string[] = [];

let dev: Dev;
beforeAll(async () => {
  dev = await startDev();
}, 120_000);
afterAll(async () => {
  await dev?.stop();
}, 60_000);

/**
 * Starts a training of its own (an equal one would be reused; a variable makes it another one) and hits one rank of it
 * between its first two checkpoints; answers its only incident.
 */
async function hitOneRank(name: string, signal: NodeJS.Signals): Promise<Incident> {
  const workspace = join(dev.home, 'ws');
  const spec = tinySpec({ name, workspace, iterations: ITERATIONS, every: 20, env: { TRAINING: name } });
  const run = await start(impatient(dev.client), spec, 'train');
  runs.push(run);
  const following = follow(dev.client, run);
  const [pid = 0] = await waitFor(
    'two ranks',
    async () => (rankPids(dev, run).length === 2 ? rankPids(dev, run) : null),
    undefined,
    120_000,
  );
  await waitFor('a checkpoint', async () => (loggedIteration(dev, run) > 21 ? true : null), undefined, 120_000);
  process.kill(pid, signal);
  const status = await following;
  expect(status.state, JSON.stringify(status.problem)).toBe('done');
  expect(status.result?.facts['train']).toMatchObject({ attempts: 2, iterations: ITERATIONS });
  const incidents = await readIncidents(workspace, run);
  expect(incidents).toHaveLength(1);
  expect(status).toMatchObject({ incidents: 1, incident: { cause: incidents[0]?.verdict.cause } });
  expect(status.ettr).toBeGreaterThan(0);
  expect((await getFleet(dev.client, 'default')).leases).toEqual([]);
  expect(rankPids(dev, run)).toEqual([]);
  const [incident] = incidents;
  if (incident === undefined) throw new Error('no incident');
  expect(incident).toMatchObject({ attempt: 1, reaction: 'restart', resumedFrom: 20 });
  expect(incident.stepsLost).toBe((incident.lastIteration ?? 0) - 20);
  for (const ms of [incident.detectMs, incident.stopMs, incident.relaunchMs, incident.firstIterationMs]) {
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(ms).toBeLessThan(120_000);
  }
  return incident;
}

/** Silence counts as a stall after a third of the usual time; a step takes a tenth of a second. */
function impatient(client: TemperClient): TemperClient {
  const { target } = client;
  return { ...client, target: { ...target, timing: { ...target.timing, stallStepMs: 10_000 } } };
}

describe('a training', { timeout: 400_000 }, () => {
  it('goes on by itself after one rank was killed, and says which', async () => {
    const { verdict } = await hitOneRank('killed', 'SIGKILL');
    expect(verdict).toMatchObject({ cause: 'rank-killed', confidence: 'high' });
    expect(verdict.sentence).toMatch(/^rank [01] on laptop-[12] was killed \(SIGKILL\)$/);
  });

  it('goes on by itself after one rank was stopped, which nothing but its silence tells', async () => {
    const { verdict } = await hitOneRank('frozen', 'SIGSTOP');
    expect(verdict).toMatchObject({ cause: 'stalled' });
    expect(verdict.sentence).toContain('no iteration and no line of any rank');
  });

  it('replays', async () => {
    await replayHistories(dev.client, runs);
  });
});
