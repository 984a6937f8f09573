import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIncidents } from '../../src/host/run/incidents.js';
import { startDev, waitFor, type Dev } from './support/dev.js';
import { digestModel } from './support/digest-model.js';
import { exportDir, follow, keptCommands, loggedIteration, rankPids, start } from './support/runs.js';
import { tinySpec } from './support/tiny-spec.js';

const STAGES = ['environment', 'weights', 'data', 'convert', 'train', 'export', 'verify'] as const;
const ITERATIONS = 60;

let dev: Dev;
beforeAll(async () => {
  dev = await startDev();
}, 120_000);
afterAll(async () => {
  await dev?.stop();
}, 60_000);

describe('a run in which a process is killed in every stage', () => {
  const digests: string[] = [];

  for (const victim of ['control', 'host', 'server'] as const) {
    it(`completes with each command run once: ${victim}`, { timeout: 400_000 }, async () => {
      const workspace = join(dev.home, `ws-${victim}`);
      const run = await start(dev.client, tinySpec({ name: `no-${victim}`, workspace, iterations: ITERATIONS }));
      const aimedAt = new Set<string>();
      const hit = new Set<string>();
      const status = await follow(dev.client, run, async ({ stages }) => {
        const running = stages.filter(({ state }) => state === 'running');
        const aim = running.find(({ name }) => !aimedAt.has(name));
        if (aim === undefined) return;
        aimedAt.add(aim.name);
        // Stages that run side by side are hit together: the other one may end before the process is back.
        for (const { name, host } of running) if (victim !== 'host' || host === aim.host) hit.add(name);
        await dev.kill(victim === 'host' ? `host:${aim.host ?? 'laptop-1'}` : victim);
      });
      expect(status.state, JSON.stringify(status.problem)).toBe('done');
      expect([...hit].sort()).toEqual([...STAGES].sort());
      await expectRunOnce(run);
      digests.push(await digestModel(exportDir(workspace, run)));
    });
  }

  it('resumes exactly after all ranks were killed between two checkpoints', { timeout: 400_000 }, async () => {
    const workspace = join(dev.home, 'ws-ranks');
    const run = await start(dev.client, tinySpec({ name: 'no-ranks', workspace, iterations: ITERATIONS, every: 20 }));
    const following = follow(dev.client, run);
    // Looked up before: the time between two checkpoints is about a second.
    const pids = await waitFor(
      'two ranks',
      async () => (rankPids(dev, run).length === 2 ? rankPids(dev, run) : null),
      undefined,
      120_000,
    );
    await waitFor(
      'an iteration between two checkpoints',
      async () => (loggedIteration(dev, run) > 22 ? true : null),
      undefined,
      120_000,
    );
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect(loggedIteration(dev, run)).toBeLessThan(40);
    const status = await following;
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    expect(status.result?.facts['train']).toMatchObject({ attempts: 2, iterations: ITERATIONS });
    expect(status).toMatchObject({ incidents: 1, incident: { attempt: 1, cause: 'rank-killed', reaction: 'restart' } });
    expect(status.ettr).toBeGreaterThan(0);
    const [incident] = await readIncidents(workspace, run);
    expect(incident).toMatchObject({
      reaction: 'restart',
      verdict: { cause: 'rank-killed', confidence: 'high' },
      hosts: [{ state: expect.any(String) }, { state: expect.any(String) }],
      resumedFrom: 20,
    });
    expect(incident?.stepsLost).toBe((incident?.lastIteration ?? 0) - 20);
    for (const ms of [incident?.detectMs, incident?.stopMs, incident?.relaunchMs, incident?.firstIterationMs]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(120_000);
    }
    const attempt = JSON.parse(await readFile(join(workspace, 'runs', run, 'attempts/0002/attempt.json'), 'utf8')) as {
      load: { iteration: number };
    };
    expect(attempt.load.iteration).toBe(20);
    expect(digests).toHaveLength(3);
    expect(new Set([...digests, await digestModel(exportDir(workspace, run))]).size).toBe(1);
  });
});

/** Each step of each stage has one keeper, which ended well; training and environment have one per host. */
async function expectRunOnce(run: string): Promise<void> {
  const commands = await keptCommands(dev, run);
  expect(commands.filter(({ code, stop }) => code !== 0 || stop !== null)).toEqual([]);
  // The last part of an id tells workflow chains apart.
  const ids = commands.map(({ id }) => id.slice(run.length + 1).replace(/-[0-9a-f]+$/, ''));
  const perHost = ids.filter((id) => /^(environment|train)\.(probe|prove)\./.test(id));
  const others = ids.filter((id) => !perHost.includes(id)).sort();
  expect(perHost.filter((id) => id.startsWith('environment.probe'))).toHaveLength(2);
  expect(others).toEqual(
    [
      'convert.hf-to-dcp.1',
      'data.check-shapes.1',
      'data.convert-shapes.1',
      'data.lengths-shapes.1',
      'data.make-shapes.1',
      'export.dcp-to-hf.1',
      'train.h00.1',
      'train.h01.1',
      'verify.after.1',
      'verify.before.1',
      'weights.make.1',
    ].sort(),
  );
}
