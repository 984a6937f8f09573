import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostCall } from '../../src/client/host-call.js';
import { recoverRun } from '../../src/client/recover.js';
import { describe as describeWorkflow } from '../../src/client/run-status.js';
import { readLedger } from '../../src/host/ledger/store.js';
import { allAttempts } from '../../src/host/run/attempts.js';
import { readRequest, runDir } from '../../src/host/run/run-folder.js';
import { expectInvariant } from '../support/invariant.js';
import { LOG_RESOLUTION_MS, readRecords } from '../support/read-records.js';
import { startDev, waitFor, type Dev } from '../e2e/support/dev.js';
import { follow, rankPids, start } from '../e2e/support/runs.js';
import { simulatedSpec } from '../e2e/support/simulated-spec.js';

const HOSTS = ['laptop-1', 'laptop-2'];

describe('a run whose server lost its database in mid-training', { timeout: 240_000 }, () => {
  let dev: Dev;
  let workspace: string;
  let run: string;
  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
    const env = { SIM_STEP_MS: 60, SIM_GRACE_MS: 2_000 };
    run = await start(dev.client, simulatedSpec({ name: 'lost', workspace, iterations: 400, every: 50, env }), 'train');
    await waitFor('a proven checkpoint', () => provenAt(100), undefined, 90_000);
    await loseDatabase();
  }, 200_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  /** The ledger's newest iteration, once it is this one or later. */
  async function provenAt(iteration: number): Promise<number | null> {
    const { checkpoints } = await readLedger(runDir(workspace, run));
    const newest = Math.max(0, ...checkpoints.map((entry) => entry.iteration));
    return newest >= iteration ? newest : null;
  }

  /** As when the server's machine is replaced: an empty server, and workers that come back and announce themselves. */
  async function loseDatabase(): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) await rm(join(dev.home, `temporal.db${suffix}`), { force: true });
    await dev.kill('server');
    await Promise.all(['control', ...HOSTS.map((host) => `host:${host}`)].map((role) => dev.kill(role)));
    await waitFor('an empty server', async () =>
      (await describeWorkflow(dev.client, `temper/run/${run}`).catch(() => undefined)) === null ? true : null,
    );
    await waitFor('the host workers', async () => {
      const asked = HOSTS.map((host) => hostCall(dev.client, 'default', host, { v: 1, op: 'probe' }));
      return Promise.all(asked).catch(() => null);
    });
  }

  it('is told by --dry-run, which leaves the ranks at work', async () => {
    const ranks = rankPids(dev, run);
    expect(ranks).toHaveLength(4);
    const answer = await recoverRun(dev.client, { run, workspace, fleet: 'default', isDry: true });
    expect(answer).toMatchObject({
      recovered: false,
      stopped: [],
      survey: {
        run,
        fleet: 'default',
        attempt: { number: 1, hosts: HOSTS },
        iterations: 400,
        request: { until: 'train' },
      },
    });
    expect(answer.survey.checkpoint?.iteration).toBeGreaterThanOrEqual(100);
    const isDone = Object.fromEntries(answer.survey.stages.map((stage) => [stage.name, stage.isDone]));
    expect(isDone).toMatchObject({ weights: true, data: true, convert: true, train: false, export: false });
    expect(answer.hosts.map(({ host, running }) => [host, running.length])).toEqual(HOSTS.map((host) => [host, 1]));
    expect(rankPids(dev, run)).toEqual(ranks);
    expect(await describeWorkflow(dev.client, `temper/run/${run}`)).toBeNull();
  });

  it('goes on from its newest proven checkpoint in its next attempt, and ends where it was to end', async () => {
    const before = (await provenAt(0)) ?? 0;
    const answer = await recoverRun(dev.client, { run, workspace, fleet: 'default', isDry: false });
    expect(answer).toMatchObject({ recovered: true });
    expect(answer.stopped).toHaveLength(2);
    const status = await follow(dev.client, run);
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    const states = Object.fromEntries(status.stages.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({
      weights: 'reused',
      data: 'reused',
      convert: 'reused',
      train: 'done',
      export: 'skipped',
    });
    expect(status.result?.facts['train']).toMatchObject({ iterations: 400, attempts: 2 });
    expect((await allAttempts(workspace, run)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((await readRequest(workspace, run))?.until).toBe('train');
    const scratch = new Map(HOSTS.map((host) => [host, join(dev.home, 'hosts', host)]));
    const records = await readRecords({ workspace, runs: [run], scratch });
    expectInvariant(records, { slackMs: LOG_RESOLUTION_MS });
    const again = records.steps.filter(({ attempt }) => attempt === 2).map(({ iteration }) => iteration);
    expect(Math.min(...again)).toBeGreaterThan(before);
    expect(Math.max(...again)).toBe(400);
    expect(rankPids(dev, run)).toEqual([]);
  });

  it('is refused while Temporal knows it, and where there is no such folder', async () => {
    const known = { run, workspace, fleet: 'default', isDry: false };
    await expect(recoverRun(dev.client, known)).rejects.toMatchObject({ problem: { code: 'RunExists' } });
    await expect(recoverRun(dev.client, { ...known, run: 'nobody' })).rejects.toMatchObject({
      problem: { code: 'RunNotFound' },
    });
  });
});
