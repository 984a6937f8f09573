import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/client/checkpoints.js';
import { planOnHost } from '../../src/client/plans.js';
import { getFleet } from '../../src/client/fleet.js';
import { readIncidents } from '../../src/host/run/incidents.js';
import type { CheckpointList } from '../../src/schemas/host-call.js';
import type { RunStatus } from '../../src/schemas/run.js';
import { startDev, waitFor, type Dev } from './support/dev.js';
import { replayHistories } from './support/histories.js';
import { follow, loggedIteration, rankPids, start } from './support/runs.js';
import { simulatedSpec } from './support/simulated-spec.js';

const ITERATIONS = 48;

/** A training that is killed once, with a save every four iterations, of which three are kept. */
describe('the checkpoints of a disturbed training', { timeout: 300_000 }, () => {
  let dev: Dev;
  let workspace: string;
  let specText: string;
  let run: string;
  let isKilled = false;
  let status: RunStatus;

  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
    specText = simulatedSpec({
      ...{ name: 'saves', workspace, iterations: ITERATIONS, every: 4 },
      env: { SIM_STEP_MS: 50 },
    });
    run = await start(dev.client, specText, 'train');
    status = await follow(dev.client, run, async ({ stages }) => {
      const isTraining = stages.some(({ name, state }) => name === 'train' && state === 'running');
      if (isTraining && !isKilled) await killRank();
    });
    expect(isKilled).toBe(true);
  }, 300_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  it('are what it goes on from by itself, and says which rank was killed and what that cost', async () => {
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    expect(status.result?.facts['train']).toMatchObject({ attempts: 2, iterations: ITERATIONS });
    expect(status).toMatchObject({ incidents: 1, incident: { cause: 'rank-killed' } });
    expect(status.ettr).toBeGreaterThan(0);
    expect((await getFleet(dev.client, 'default')).leases).toEqual([]);
    expect(rankPids(dev, run)).toEqual([]);
    const incidents = await readIncidents(workspace, run);
    expect(incidents).toHaveLength(1);
    const incident = incidents[0] ?? expect.fail();
    const { verdict, lastIteration, resumedFrom, stepsLost } = incident;
    expect(incident).toMatchObject({ attempt: 1, reaction: 'restart' });
    expect(verdict).toMatchObject({ cause: 'rank-killed', confidence: 'high' });
    expect(verdict.sentence).toMatch(/^rank [0-3] on laptop-[12] was killed \(SIGKILL\)$/);
    expect(resumedFrom).toBeGreaterThanOrEqual(16);
    expect(stepsLost).toBe((lastIteration ?? 0) - (resumedFrom ?? 0));
    for (const ms of [incident.detectMs, incident.stopMs, incident.relaunchMs, incident.firstIterationMs]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(120_000);
    }
  });

  it('are all proven, and kept over both attempts as the spec says', async () => {
    const { checkpoints } = await listed();
    const kept = checkpoints.filter(({ state }) => state !== 'removed');
    expect(kept.slice(0, 3).map(({ iteration, state }) => [iteration, state])).toEqual(
      [48, 44, 40].map((iteration) => [iteration, 'proven']),
    );
    // The last attempt began at a fourth one, which is in use until another attempt begins.
    expect(kept.slice(3)).toMatchObject([{ state: 'proven', isInUse: true, attempt: 1 }]);
    expect(checkpoints.length).toBeGreaterThanOrEqual(ITERATIONS / 4);
    expect(await folders()).toEqual(kept.map(({ dir }) => dir).sort());
  });

  it('are told with what the second attempt restored, by its own log', async () => {
    const { resumes } = await listed();
    expect(resumes).toHaveLength(1);
    const { attempt, report } = resumes[0] ?? expect.fail();
    expect({ attempt, fidelity: report.fidelity, broken: report.broken }).toEqual({
      attempt: 2,
      fidelity: 'full',
      broken: [],
    });
    expect(report.components.map(({ name, state, reason }) => ({ name, state, reason }))).toEqual(
      ['weights', 'moments', 'learningRate', 'rng', 'dataOrder', 'iteration'].map((name) => ({
        name,
        state: 'restored',
        reason: expect.any(String),
      })),
    );
  });

  it('make the costs of the next run known', async () => {
    const { checkpoint, fleet } = await planOnHost(dev.client, { specText, file: '/spec.yaml', run });
    expect(checkpoint).toMatchObject({ saves: 12, iterationMs: expect.any(Number), shareOfRun: expect.any(Number) });
    expect(fleet).toMatchObject({ name: 'default', hosts: 2, ready: ['laptop-1', 'laptop-2'], setAside: [] });
  });

  it('are told as refused when a shard was changed since, equal in size', async () => {
    const newest = (await listed()).checkpoints[0] ?? expect.fail();
    const dir = join(workspace, 'runs', run, newest.dir);
    const shard = join(dir, (await readdir(dir)).find((name) => name.endsWith('.distcp')) ?? '');
    const content = await readFile(shard);
    const middle = Math.floor(content.length / 2);
    content.writeUInt8(content.readUInt8(middle) ^ 1, middle);
    await writeFile(shard, content);
    const { checkpoints } = await listed();
    expect(checkpoints[0]).toMatchObject({
      iteration: 48,
      state: 'refused',
      why: expect.stringContaining('shard-changed'),
    });
  });

  it('replays', async () => {
    await replayHistories(dev.client, [run]);
  });

  /** Kills one rank as soon as some checkpoints were saved, in the middle between two. */
  async function killRank(): Promise<void> {
    const [pid = 0] = await waitFor('all ranks', async () =>
      rankPids(dev, run).length === 4 ? rankPids(dev, run) : null,
    );
    await waitFor('some saves', async () => (loggedIteration(dev, run, { lastRank: 3 }) > 17 ? true : null));
    isKilled = true;
    process.kill(pid, 'SIGKILL');
  }

  function listed(): Promise<CheckpointList> {
    return listCheckpoints(dev.client, run);
  }

  /** Checkpoint folders on disk, relative to the run's folder. */
  async function folders(): Promise<string[]> {
    const root = join(workspace, 'runs', run);
    const names = (await readdir(join(root, 'attempts'))).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(
      names.map(async (name) => {
        const dir = join('attempts', name, 'ckpt');
        const saves = (await readdir(join(root, dir))).filter((save) => save.startsWith('iter_'));
        return saves.map((save) => join(dir, save));
      }),
    );
    return found.flat().sort();
  }
});
