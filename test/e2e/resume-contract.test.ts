import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIncidents } from '../../src/host/run/incidents.js';
import { allAttempts } from '../../src/host/run/attempts.js';
import type { RunStatus } from '../../src/schemas/run.js';
import { startDev, type Dev } from './support/dev.js';
import { follow, rankPids, start } from './support/runs.js';
import { simulatedSpec } from './support/simulated-spec.js';

const RESTORED = {
  weights: 'restored',
  moments: 'restored',
  learningRate: 'restored',
  rng: 'restored',
  dataOrder: 'restored',
  iteration: 'restored',
};

describe('a resume', { timeout: 120_000 }, () => {
  let dev: Dev;
  let workspace: string;
  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  /** A training that is killed once at iteration 70, so that it resumes iteration 50. */
  async function trainTwice(name: string, fidelity: string, faults: readonly object[]): Promise<RunStatus[]> {
    const file = join(dev.home, `${name}.json`);
    const kill = { kind: 'signal', rank: 1, iteration: 70, signal: 'SIGKILL', once: join(dev.home, `${name}.struck`) };
    await writeFile(file, JSON.stringify({ v: 1, faults: [kill, ...faults] }));
    const env = { SIM_FAULTS: file, SIM_STEP_MS: 10, SIM_GRACE_MS: 2_000 };
    const spec = simulatedSpec({ name, workspace, env }).replace('fidelity: full', `fidelity: ${fidelity}`);
    const run = await start(dev.client, spec, 'train');
    const seen: RunStatus[] = [];
    await follow(dev.client, run, async (status) => void seen.push(status));
    return seen;
  }

  it('is told per component while it runs and when it is over, with what the incident cost', async () => {
    const seen = await trainTwice('whole', 'full', []);
    const status = seen.at(-1);
    expect(status?.state, JSON.stringify(status?.problem)).toBe('done');
    expect(status?.resume).toEqual({ attempt: 2, from: 50, fidelity: 'full', components: RESTORED, broken: [] });
    expect(seen.some(({ state, resume }) => state === 'running' && resume?.components.weights === 'restored')).toBe(
      true,
    );
    const [incident] = await readIncidents(workspace, 'whole');
    const { stepsLost, resumedFrom, detectMs, stopMs, relaunchMs, firstIterationMs } = incident ?? {};
    expect(status?.incident).toMatchObject({
      cause: 'rank-killed',
      ...{ stepsLost, resumedFrom, detectMs, stopMs, relaunchMs, firstIterationMs },
    });
    expect(firstIterationMs).toBeGreaterThanOrEqual(0);
    const attempts = await allAttempts(workspace, 'whole');
    expect(attempts[0]?.budgets?.saveMs).toBeGreaterThan(60_000);
    expect(attempts[0]?.budgets?.expectedSaveMs).toBeGreaterThan(0);
    expect(attempts[1]?.budgets).toEqual(attempts[0]?.budgets);
  });

  it('with a wrong learning rate is stopped, named and not tried again', async () => {
    const seen = await trainTwice('wrong-rate', 'full', [{ kind: 'schedule-reset', rank: 'all' }]);
    const status = seen.at(-1);
    expect(status).toMatchObject({ state: 'blocked', problem: { code: 'ResumeBroken' } });
    expect(status?.problem?.what).toContain('the learning rate began again');
    const told = (await readIncidents(workspace, 'wrong-rate')).map(({ verdict, reaction }) => [
      verdict.cause,
      reaction,
    ]);
    expect(told).toEqual([
      ['rank-killed', 'restart'],
      ['wrong-learning-rate', 'stop'],
    ]);
    expect(status?.resume).toMatchObject({ attempt: 2, broken: ['learningRate'] });
    expect(rankPids(dev, 'wrong-rate')).toEqual([]);
  });

  it('of weights only goes on, with a warning that says which rate follows', async () => {
    const status = (await trainTwice('weights-only', 'weights-only', [])).at(-1);
    expect(status?.state, JSON.stringify(status?.problem)).toBe('done');
    expect(status?.resume).toMatchObject({
      fidelity: 'weights-only',
      from: 50,
      components: { weights: 'restored', moments: 'reset', learningRate: 'reset', rng: 'reset', iteration: 'restored' },
      broken: [],
    });
    expect(status?.resume?.warning).toContain('the learning rate began again at 0 (peak 0.002)');
    expect(status?.incidents).toBe(1);
  });
});
