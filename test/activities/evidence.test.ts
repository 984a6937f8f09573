import { readFileSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { collectEvidence } from '../../src/activities/training/collect-evidence.js';
import { findNewestCheckpoint } from '../../src/activities/training/find-newest-checkpoint.js';
import { lookAtNode } from '../../src/activities/training/look-at-node.js';
import { openAttempt } from '../../src/activities/training/open-attempt.js';
import { stopNode, sweepNode } from '../../src/activities/training/stop-node.js';
import { trainNode } from '../../src/activities/training/train-node.js';
import { TemperError } from '../../src/domain/errors.js';
import { attemptDir } from '../../src/host/run/attempts.js';
import { HostEvidenceSchema, type HostEvidence } from '../../src/schemas/incident.js';
import type { LaunchFacts, Recipe } from '../../src/recipes/recipe.js';
import type { TrainCall } from '../../src/schemas/stage-calls.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { recipeOf, run, start, TIMING, useStageBench } from './support.js';

const bench = useStageBench();
const LOGS = join(import.meta.dirname, '../fixtures/logs/cpu-tiny');
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

const step = (iteration: number, loss = 'loss: 2.0 | '): string =>
  ` [2026-01-01 00:00:00] iteration ${iteration}/4 | consumed samples: 8 | elapsed time per iteration (ms): 10.0 | learning rate: 1.0E-03 | global batch size: 2 | ${loss}grad norm: 1.0 | number of skipped iterations:   0 | number of nan iterations:   0 |`;

/** A training of two ranks that is one line of shell; `$1` is the folder of its rank logs, `$2` its save folder. */
function recipeDoing(line: string): Recipe {
  const fake = recipeOf(() => ({}));
  const program = `mkdir -p "$1/0" "$1/1"; touch "$1/0/stdout.log" "$1/0/stderr.log" "$1/1/stdout.log" "$1/1/stderr.log"\n${line}`;
  const launch = ({ rankLogDir, saveDir }: LaunchFacts) => ({
    step: 'h00',
    argv: ['/bin/sh', '-c', program, 'sh', join(rankLogDir, 'none_x/attempt_0'), saveDir],
    cwd: rankLogDir,
    env: {},
  });
  return { ...fake, training: { ...fake.training, launch } };
}

async function open(recipe: Recipe, timing: Partial<typeof TIMING> = {}) {
  const host = bench.host(recipe);
  const call = { ...(await bench.open(recipe, 'r1', { name: 'train' })), timing: { ...TIMING, ...timing } };
  const attempt = await run(() => openAttempt(host, { ...call, lease: 1, hosts: [HOST] }));
  const train: TrainCall = { ...call, attempt, lease: 1, nodeRank: 0, nodeCount: 1 };
  return { host, call, train, dir: join(bench.workspace(), 'runs/r1/attempts/0001/h1') };
}

/** Runs an activity that asks when it was scheduled. */
function collect(host: ReturnType<typeof bench.host>, call: TrainCall, clockAheadMs = 0): Promise<HostEvidence> {
  return new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() - clockAheadMs }).run(() =>
    collectEvidence(host, call),
  );
}

async function problemOf(result: Promise<unknown>) {
  const error: unknown = await result.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof TemperError) return error.problem;
  throw error;
}

const say = (text: string): string => `printf '%s\\n' '${text}' >> "$1/1/stdout.log"`;

describe('the evidence of a host', () => {
  it('keeps the curve of ranks that went on when their supervisor had ended', async () => {
    const { host, train, dir } = await open(recipeDoing(`${say(step(1))}; ${say(step(2))}; exit 1`));
    await problemOf(run(() => trainNode(host, train)));
    const metrics = join(dir, 'metrics.jsonl');
    const [first = ''] = readFileSync(metrics, 'utf8').split('\n');
    await writeFile(metrics, `${first}\n`);
    await collect(host, train);
    const kept = readFileSync(metrics, 'utf8').trimEnd().split('\n');
    expect(kept.map((line) => (JSON.parse(line) as { iteration: number }).iteration)).toEqual([1, 2]);
  });

  it('names a killed rank from the summary of the launcher, with what it had reached', async () => {
    const { host, train, dir } = await open(
      recipeDoing(`${say(step(1))}; ${say(step(3))}; cat ${LOGS}/killed-rank-torchrun-1.err.txt >&2; exit 1`),
    );
    await problemOf(run(() => trainNode(host, train)));
    const evidence = await collect(host, train);
    expect(evidence).toMatchObject({
      host: 'h1',
      isReached: true,
      findings: [{ rule: 'killed', cause: 'rank-killed', rank: 1, sentence: 'rank 1 on h1 was killed (SIGKILL)' }],
      exitCode: 1,
      stopReason: null,
      phase: 'training',
      lastIteration: 3,
      stepMs: 10,
      clockOffsetMs: 0,
    });
    expect(Date.parse(evidence.firstIterationAt ?? '')).toBeLessThanOrEqual(Date.parse(evidence.lastIterationAt ?? ''));
    expect(HostEvidenceSchema.parse(JSON.parse(readFileSync(join(dir, 'evidence.json'), 'utf8')))).toEqual(evidence);
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThan(4_096);
  });

  it('tells the traceback of a real rank that lost its peer as a consequence', async () => {
    const peer = `cat ${LOGS}/killed-peer-rank-0.err.txt > "$1/0/stderr.log"; cat ${LOGS}/killed-peer-torchrun-0.err.txt >&2; exit 1`;
    const { host, train } = await open(recipeDoing(peer));
    await problemOf(run(() => trainNode(host, train)));
    expect((await collect(host, train)).findings).toMatchObject([
      { cause: 'peer-lost', isCascade: true, rank: 0, weight: 3 },
    ]);
  });

  it('says that weights were not loaded, whatever the exit status', async () => {
    const { host, train } = await open(recipeDoing(`cat ${LOGS}/missing-rank-0.out.txt > "$1/0/stdout.log"; exit 0`));
    await problemOf(run(() => trainNode(host, train)));
    const { findings } = await collect(host, train);
    expect(findings).toMatchObject([{ cause: 'empty-load', reaction: 'stop', isCascade: false }]);
  });

  it('stops a training at its first loss that is no number', async () => {
    const { host, train } = await open(recipeDoing(`${say(step(1))}; ${say(step(2, ''))}; sleep 60`));
    expect(await problemOf(run(() => trainNode(host, train)))).toMatchObject({
      code: 'TrainingUnproven',
      why: 'loss-not-a-number',
    });
    const { findings } = await collect(host, train);
    expect(findings).toContainEqual(
      expect.objectContaining({ cause: 'nan-loss', reaction: 'restart', isCascade: false }),
    );
    expect(findings.filter(({ isCascade, cause }) => !isCascade && cause !== 'nan-loss')).toEqual([]);
  });

  it('tells how far its clock is from the server', async () => {
    const { host, train } = await open(recipeDoing('exit 1'));
    await problemOf(run(() => trainNode(host, train)));
    expect((await collect(host, train, 60_000)).clockOffsetMs).toBeGreaterThan(59_000);
    expect((await collect(host, train, 500)).clockOffsetMs).toBe(0);
  });

  it('is there without an attempt, and without its workspace', async () => {
    const { host, train } = await open(recipeDoing('exit 1'));
    expect(await collect(host, train)).toMatchObject({ phase: 'not started', findings: [] });
    await problemOf(run(() => trainNode(host, train)));
    expect(await collect(host, { ...train, workspace: join(bench.workspace(), 'gone') })).toMatchObject({
      phase: 'unknown',
      exitCode: 1,
      findings: [{ cause: 'rank-exit' }],
    });
  });
});

describe('a file that a rank missed', () => {
  const missing = (path: string): string =>
    `printf '%s\\n' 'Traceback (most recent call last):' '  File "x.py", line 1' "FileNotFoundError: [Errno 2] No such file or directory: '${path}'" > "$1/0/stderr.log"; exit 1`;

  it('was there until its workspace went away', async () => {
    const gone = join(bench.workspace(), 'gone');
    const { host, train } = await open(recipeDoing(missing(join(gone, 'runs/r/store/data.bin'))));
    await problemOf(run(() => trainNode(host, train)));
    expect((await collect(host, { ...train, workspace: gone })).findings).toMatchObject([
      { rule: 'workspace-vanished', cause: 'workspace-lost', reaction: 'restart' },
    ]);
  });

  it.each(['/data/1.png', 'of the workspace'])('is wrong data where the workspace is there: %s', async (path) => {
    const where = path.startsWith('/') ? path : join(bench.workspace(), 'store/1.png');
    const { host, train } = await open(recipeDoing(missing(where)));
    await problemOf(run(() => trainNode(host, train)));
    expect((await collect(host, train)).findings).toMatchObject([{ cause: 'data-error', reaction: 'stop' }]);
  });
});

describe('a training that stands still', () => {
  it('is stopped with the reason, which is a cause and not a consequence', async () => {
    const { host, train } = await open(recipeDoing(`${say(step(1))}; sleep 60`), {
      stallStepMs: 400,
      stallSaveMs: 800,
      stallStartMs: 60_000,
    });
    const started = performance.now();
    const facts = await problemOf(run(() => trainNode(host, train)));
    expect(facts).toMatchObject({ code: 'TrainingStalled', what: expect.stringContaining('while training') });
    expect(performance.now() - started).toBeGreaterThanOrEqual(400);
    expect((await collect(host, train)).findings).toMatchObject([{ cause: 'stalled', isCascade: false }]);
  });

  it('is left alone while any rank says something', async () => {
    const chatter = 'for n in 1 2 3 4 5 6 7 8; do echo waiting >> "$1/0/stderr.log"; sleep 0.2; done';
    const { host, train } = await open(
      recipeDoing(`${say(step(1))}; ${chatter}; ${say(step(4))}; ${say('[after training is done] datetime: x')}`),
      { stallStepMs: 700, stallSaveMs: 900 },
    );
    expect(await run(() => trainNode(host, train))).toMatchObject({ lastIteration: 4, hasEnded: true });
  });
});

describe('the calls of the gang to a host', () => {
  it('tell how far a running attempt is, stop it, and sweep what is left of any', async () => {
    const { host, train } = await open(recipeDoing(`${say(step(2))}; sleep 60`));
    const nothing = { v: 1, host: 'h1', state: 'absent', lastIteration: null, writtenAtMs: null };
    expect(await run(() => lookAtNode(host, train))).toEqual(nothing);
    const first = start(() => trainNode(host, train));
    await first.beat((details) => (details as { iteration?: number }).iteration === 2);
    expect(await run(() => lookAtNode(host, train))).toEqual({ ...nothing, state: 'running', lastIteration: 2 });
    await run(() => stopNode(host, { ...train, reason: 'a node of the gang failed', graceMs: 2_000 }));
    expect(await problemOf(first.result)).toMatchObject({ code: 'CommandStopped' });
    expect((await collect(host, train)).findings.filter(({ isCascade }) => !isCascade)).toEqual([]);
    const second = { ...train, run: 'r1', attempt: { ...train.attempt, attempt: 2 } };
    const running = start(() => trainNode(host, second));
    await running.beat((details) => (details as { iteration?: number }).iteration === 2);
    expect(await run(() => sweepNode(host, train))).toHaveLength(1);
    expect(await problemOf(running.result)).toMatchObject({ code: 'CommandStopped' });
    expect(await run(() => sweepNode(host, train))).toEqual([]);
  });

  it('tell from the workspace that the ranks of other hosts write', async () => {
    const fake = recipeDoing('sleep 60');
    const { host, train } = await open({ ...fake, training: { ...fake.training, curves: 'curves' } });
    const dir = attemptDir(train.workspace, train.run, train.attempt.attempt);
    const written = async (path: string, at: number): Promise<number | null | undefined> => {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), 'x');
      await utimes(join(dir, path), at, at);
      return (await run(() => lookAtNode(host, train))).writtenAtMs;
    };
    expect(await written('ckpt/iter_0000002/__0_0.distcp', 1_000)).toBe(1_000_000);
    // Of its own ranks: what other parts write there does not train.
    expect(await written('h1/curves/events', 2_000)).toBe(2_000_000);
    expect(await written('h1/metrics.jsonl', 3_000)).toBe(2_000_000);
  });

  it('find the newest proven checkpoint', async () => {
    const { host, call, train } = await open(recipeDoing(`cp -r ${READERS}/dcp/iter_0000002 "$2/"; exit 1`));
    expect(await run(() => findNewestCheckpoint(host, call))).toEqual({ v: 1, iteration: null });
    await problemOf(run(() => trainNode(host, train)));
    expect(await run(() => findNewestCheckpoint(host, call))).toEqual({ v: 1, iteration: 2 });
  });
});
