import { cpSync, existsSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callHost } from '../../src/activities/call-host.js';
import { openAttempt } from '../../src/activities/training/open-attempt.js';
import { gatherInputs } from '../../src/activities/stage-inputs.js';
import { watchSaves } from '../../src/activities/training/watch-saves.js';
import { readLedger } from '../../src/host/ledger/store.js';
import { writeMetrics } from '../../src/host/run/metrics.js';
import { CheckpointListSchema } from '../../src/schemas/host-call.js';
import type { TrainCall } from '../../src/schemas/stage-calls.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { recipeOf, run, useStageBench } from './support.js';

const bench = useStageBench();
const HOST = {
  v: 1 as const,
  name: 'h1',
  machineId: 'm',
  pid: 1,
  address: '127.0.0.1',
  labels: [],
  scratch: '/',
  startedAt: '',
};
const RECIPE = recipeOf(() => ({}));

/** Opens the next attempt of the training. */
async function open(hostNames = ['h1']) {
  const host = bench.host(RECIPE);
  const call = await bench.open(RECIPE, 'r1', { name: 'train' });
  const attempt = await run(() => openAttempt(host, { ...call, lease: 1, hosts: [HOST], hostNames }));
  const train: TrainCall = { ...call, attempt, lease: 1, nodeRank: 0, nodeCount: 1 };
  return { host, call, attempt, train, dir: attemptFolder(attempt.attempt) };
}

function attemptFolder(attempt: number): string {
  return join(bench.workspace(), 'runs/r1/attempts', String(attempt).padStart(4, '0'));
}

/** Lets an attempt save one of the fixture's checkpoints, whole or without its metadata. */
function save(dir: string, iteration: 2 | 4, isTorn = false): string {
  const target = join(dir, 'ckpt', `iter_000000${iteration}`);
  cpSync(join(READERS, 'dcp', `iter_000000${iteration}`), target, { recursive: true });
  if (isTorn) rmSync(join(target, '.metadata'));
  return target;
}

describe('the checkpoint that a person names', () => {
  it('is known by a digest in the record of the attempt that began with it, and in no later one', async () => {
    const first = await open();
    save(first.dir, 2);
    const second = await open();
    const loads = [first, second].map(({ dir }) => readFileSync(join(dir, 'attempt.json'), 'utf8'));
    expect(JSON.parse(loads[0] ?? '')).toMatchObject({
      load: { iteration: null, digest: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    expect(JSON.parse(loads[1] ?? '').load).toEqual({ path: expect.stringMatching(/iter_0000002$/), iteration: 2 });
  });
});

describe('the saves of an attempt', () => {
  it('are proven by the host of rank 0 when its log tells of them, and by no other', async () => {
    const { host, call, train, dir } = await open();
    const inputs = await gatherInputs(host, call);
    expect(watchSaves({ ...train, nodeRank: 1 }, inputs)).toBeNull();
    const saves = watchSaves(train, inputs);
    save(dir, 2);
    await run(async () => {
      saves?.proving.note(2);
      await saves?.proving.settle();
    });
    expect(saves?.proving.proofs).toEqual({ newest: 2, refused: [] });
    const torn = save(dir, 4, true);
    await run(async () => {
      saves?.proving.note(4);
      await saves?.proving.settle();
    });
    expect(saves?.proving.proofs).toEqual({
      newest: 2,
      refused: [expect.stringContaining(`${torn}: metadata-missing`)],
    });
    const { checkpoints } = await readLedger(join(bench.workspace(), 'runs/r1'));
    expect(checkpoints).toMatchObject([{ attempt: 1, iteration: 2, refused: null }]);
  });

  it('tell which host they waited for', async () => {
    const { host, call, train, dir } = await open(['h1', 'h2']);
    const inputs = await gatherInputs(host, call);
    const { facts } = inputs;
    const spec = { ...facts.spec, fleet: { ...facts.spec.fleet, npusPerHost: 1 } };
    const saves = watchSaves(train, { ...inputs, facts: { ...facts, spec } });
    expect(saves?.slow()).toBeNull();
    const target = save(dir, 2);
    const writtenAt = Date.now() / 1_000;
    utimesSync(join(target, '__0_0.distcp'), writtenAt, writtenAt);
    utimesSync(join(target, '__1_0.distcp'), writtenAt + 40, writtenAt + 40);
    await run(async () => {
      saves?.proving.note(2);
      await saves?.proving.settle();
    });
    expect(saves?.slow()).toMatchObject([
      {
        host: 'h2',
        rank: 1,
        sentence: expect.stringContaining('the save of iteration 2 waited 40 s for rank 1 on h2'),
      },
    ]);
  });
});

describe('the next attempt', () => {
  it('starts from the newest proven one, says why newer ones are not used, and moves them aside', async () => {
    const first = await open();
    const [whole, torn] = [save(first.dir, 2), save(first.dir, 4, true)];
    const second = await open();
    expect(second.attempt).toMatchObject({ attempt: 2, loadIteration: 2, lastIteration: null });
    const record: unknown = JSON.parse(readFileSync(join(second.dir, 'attempt.json'), 'utf8'));
    const place = join(first.dir, 'incomplete/iter_0000004');
    expect(record).toMatchObject({
      load: { path: whole, iteration: 2 },
      refused: [`${torn}: metadata-missing in iter_0000004: it has no .metadata; moved to ${place}`],
    });
    expect([existsSync(torn), existsSync(place)]).toEqual([false, true]);
  });

  it('is not launched when a proven checkpoint holds the last iteration', async () => {
    const { dir } = await open();
    save(dir, 4);
    expect((await open()).attempt).toMatchObject({ loadIteration: 4, lastIteration: 4 });
  });
});

describe('a call for the checkpoints of a run', () => {
  it('answers each as it is now, and what an attempt restored', async () => {
    const first = await open();
    save(first.dir, 2);
    const second = await open();
    save(second.dir, 4, true);
    const reading = { of: 4, loss: 1, gradNorm: 1, elapsedMs: 10 };
    // Weights only lie in that checkpoint, so the schedule of four iterations begins again.
    await writeMetrics(join(second.dir, 'h1'), [{ ...reading, iteration: 3, learningRate: 0.001, consumedSamples: 6 }]);
    const list = CheckpointListSchema.parse(
      await run(() => callHost(first.host, { v: 1, op: 'checkpoints', workspace: bench.workspace(), run: 'r1' })),
    );
    expect(list.checkpoints).toMatchObject([
      { iteration: 4, attempt: 2, state: 'unproven', why: expect.stringContaining('metadata-missing') },
      { iteration: 2, attempt: 1, state: 'proven', isInUse: true, hasOptimizer: false },
    ]);
    expect(list.resumes).toMatchObject([{ attempt: 2, refused: [], report: { fidelity: 'full', from: 2 } }]);
    const states = list.resumes[0]?.report.components.map(({ name, state }) => `${name} ${state}`);
    expect(states).toEqual([
      'weights restored',
      'moments reset',
      'learningRate reset',
      'rng reset',
      'dataOrder restored',
      'iteration restored',
    ]);
    expect(list.resumes[0]?.report.broken).toEqual(['moments', 'learningRate', 'rng']);
  });

  it('says when the workspace has no such run', async () => {
    const call = { v: 1 as const, op: 'checkpoints' as const, workspace: bench.workspace(), run: 'gone' };
    await expect(run(() => callHost(bench.host(RECIPE), call))).rejects.toMatchObject({
      problem: { code: 'RunNotFound' },
    });
  });
});
