import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimTraining, releaseClaim } from '../../src/activities/training/claim-training.js';
import { openAttempt } from '../../src/activities/training/open-attempt.js';
import { sealTraining } from '../../src/activities/training/seal-training.js';
import { trainNode } from '../../src/activities/training/train-node.js';
import { TemperError } from '../../src/domain/errors.js';
import { stopKeepers } from '../../src/host/stop-keepers.js';
import { readClaim } from '../../src/host/store/claim.js';
import { writePreparation } from '../../src/host/run/preparation.js';
import { megatronLog } from '../../src/recipes/megatron/log-dialect.js';
import type { LaunchFacts, Recipe } from '../../src/recipes/recipe.js';
import type { NodeDone, StageCall, TrainCall } from '../../src/schemas/stage-calls.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { clientOf, interrupt, recipeOf, run, start, useStageBench } from './support.js';

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

const line = (iteration: number, loss: number): string =>
  ` [2026-01-01 00:00:00] iteration ${iteration}/4 | consumed samples: 8 | elapsed time per iteration (ms): 10.0 | learning rate: 1.0E-03 | global batch size: 2 | loss: ${loss} | grad norm: 1.0 | number of skipped iterations:   0 | number of nan iterations:   0 |`;
const TRAINED = [line(1, 4), line(2, 2), line(4, 0.5), '[after training is done] datetime: 2026-01-01'];

interface Said {
  /** Lines of the first rank. */
  readonly first?: readonly string[];
  /** Lines of the last rank. */
  readonly lines?: readonly string[];
  readonly saves?: readonly number[];
  readonly stderr?: string;
  /** What the program does at last. */
  readonly end?: string;
}

/** A training that needs no torch: it writes the logs and copies the checkpoints that a test wants. */
function recipeSaying({ first = [], lines = TRAINED, saves = [2, 4], stderr = '', end = 'exit 0' }: Said): Recipe {
  const fake = recipeOf(() => ({}));
  const launch = ({ rankLogDir, saveDir }: LaunchFacts) => ({
    step: 'h00',
    argv: [
      '/bin/sh',
      '-c',
      PROGRAM,
      'sh',
      join(rankLogDir, 'none_x/attempt_0'),
      saveDir,
      saves.join(' '),
      lines.join('\n'),
      stderr,
      end,
      first.join('\n'),
    ],
    cwd: rankLogDir,
    env: {},
  });
  return { ...fake, training: { ...fake.training, launch } };
}
const PROGRAM = `
mkdir -p "$1/0" "$1/1"; touch "$1/0/stderr.log"; printf '%s\n' "$7" > "$1/0/stdout.log"
printf '%s' "$5" > "$1/1/stderr.log"
for n in $3; do cp -r ${READERS}/dcp/iter_000000$n "$2/"; done
printf '%s\n' "$4" > "$1/1/stdout.log"
eval "$6"
`;

async function open(recipe: Recipe, over: Partial<StageCall> = {}) {
  const host = bench.host(recipe);
  const call = { ...(await bench.open(recipe, 'r1', { name: 'train' })), ...over };
  const attempt = await run(() => openAttempt(host, { ...call, lease: 1, hosts: [HOST] }));
  const train: TrainCall = { ...call, attempt, lease: 1, nodeRank: 0, nodeCount: 1 };
  const dir = join(bench.workspace(), 'runs/r1/attempts', String(attempt.attempt).padStart(4, '0'));
  return { host, call, attempt, train, dir };
}

const seal = (host: ReturnType<typeof bench.host>, train: TrainCall, nodes: NodeDone[]) =>
  run(() => sealTraining(host, { ...train, nodes }));

/** The code of the problem that a call ends with; null when it succeeds. */
function codeOf(result: Promise<unknown>): Promise<string | null> {
  return result.then(
    () => null,
    (error: unknown) => (error instanceof TemperError ? error.problem.code : Promise.reject(error)),
  );
}

describe('a training', () => {
  it('is opened in a folder of its own, followed, and sealed with a receipt', async () => {
    const { host, call, attempt, train, dir } = await open(recipeSaying({}));
    expect(attempt).toMatchObject({ attempt: 1, masterAddress: '127.0.0.1', loadIteration: null, lastIteration: null });
    expect(readdirSync(dir).sort()).toEqual(['attempt.json', 'ckpt', 'load']);
    expect(readlinkSync(join(dir, 'load/release'))).toBe(join(READERS, 'dcp-release/release'));
    expect(readFileSync(join(dir, 'load/latest_checkpointed_iteration.txt'), 'utf8')).toBe('release');

    expect(await run(() => claimTraining(host, call))).toEqual({ v: 1, done: null });
    const node = await run(() => trainNode(host, train));
    expect(node).toMatchObject({ v: 1, host: 'h1', lastIteration: 4, hasEnded: true });
    expect(readFileSync(join(dir, 'h1/metrics.jsonl'), 'utf8').split('\n')).toHaveLength(4);
    const done = await seal(host, train, [node]);
    const checkpoint = 'runs/r1/attempts/0001/ckpt/iter_0000004';
    expect(done).toMatchObject({
      reused: false,
      facts: { iterations: 4, attempts: 1, worldSize: 2, firstLoss: 4, lastLoss: 0.5, checkpoint },
    });
    expect(readdirSync(join(bench.workspace(), 'store/train', done.ref.key))).toEqual(['receipt.json']);
    expect((await run(() => claimTraining(host, call))).done).toMatchObject({ reused: true, ref: done.ref });
  });

  it('that is finished already is sealed without another launch', async () => {
    const recipe = recipeSaying({});
    const first = await open(recipe);
    await run(() => trainNode(first.host, first.train));
    const second = await open(recipe, { tryNumber: 2 });
    expect(second.attempt).toMatchObject({ attempt: 2, loadIteration: 4, lastIteration: 4 });
    expect(readFileSync(join(second.dir, 'load/latest_checkpointed_iteration.txt'), 'utf8')).toBe('4');
    expect(await seal(second.host, second.train, [])).toMatchObject({ facts: { attempts: 2, lastLoss: 0.5 } });
  });

  it.each<[string, Said, string]>([
    ['status 0 before the last iteration', { lines: TRAINED.slice(0, 2) }, 'TrainingUnproven'],
    ['status 0 without the end milestone', { lines: TRAINED.slice(0, 3) }, 'TrainingUnproven'],
    ['the last checkpoint missing', { saves: [2] }, 'TrainingUnproven'],
    ['the last checkpoint torn', { end: 'rm "$2/iter_0000004/__1_0.distcp"' }, 'TrainingUnproven'],
  ])('that ends with %s is not sealed', async (_what, said, code) => {
    const { host, train } = await open(recipeSaying(said));
    const node = await run(() => trainNode(host, train));
    expect(await codeOf(seal(host, train, [node]))).toBe(code);
  });

  it('that fails tells the traceback of its rank', async () => {
    const stderr = 'warning\nTraceback (most recent call last):\n  File "train.py", line 3\nValueError: bad batch';
    const { host, train } = await open(recipeSaying({ stderr, lines: TRAINED.slice(0, 1), end: 'exit 1' }));
    const error = await run(() => trainNode(host, train)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ problem: { code: 'TrainingFailed', what: 'rank 1 failed: ValueError: bad batch' } });
  });

  it('is attached to by the next attempt of its activity, which sees what was said before', async () => {
    const { host, train } = await open(recipeSaying({ end: 'until [ -e "$2/go" ]; do sleep 0.02; done' }));
    const isAtEnd = (details: unknown): boolean => (details as { iteration?: number }).iteration === 4;
    const first = start(() => trainNode(host, train));
    await first.beat(isAtEnd);
    interrupt(first);
    await expect(first.result).rejects.toBe(first.env.context.cancellationSignal.reason);
    const second = start(() => trainNode(host, train));
    await second.beat(isAtEnd);
    writeFileSync(join(bench.workspace(), 'runs/r1/attempts/0001/ckpt/go'), '');
    expect(await second.result).toMatchObject({ lastIteration: 4, hasEnded: true });
  });

  it('is stopped from outside, and tells so', async () => {
    const { host, train } = await open(recipeSaying({ end: 'sleep 60' }));
    const one = start(() => trainNode(host, train));
    await one.beat((details) => (details as { iteration?: number }).iteration === 4);
    expect(await stopKeepers(host.scratch, 'r1.train.', 'a node of the gang failed', 5_000)).toHaveLength(1);
    expect(await codeOf(one.result)).toBe('CommandStopped');
    expect(await stopKeepers(host.scratch, 'r1.train.', 'again', 0)).toEqual([]);
  });
});

describe('the claim of a training', () => {
  it('makes another run wait, and goes back after a failure', async () => {
    const recipe = recipeSaying({});
    const { host, call } = await open(recipe);
    await run(() => claimTraining(host, call));
    const other = await bench.open(recipe, 'r2', { name: 'train' });
    const waiting = start(
      () => claimTraining(host, other),
      clientOf(() => ({ status: 'RUNNING' })),
    );
    await waiting.beat((details) => (details as { phase?: string }).phase === 'waiting');
    await run(() => releaseClaim(host, other));
    await run(() => releaseClaim(host, call));
    expect(await waiting.result).toEqual({ v: 1, done: null });
    await run(() => releaseClaim(host, call));
    const [key = ''] = readdirSync(join(bench.workspace(), 'store/train'));
    expect((await readClaim(join(bench.workspace(), 'store/train', key)))?.run).toBe('r2');
  });
});

describe('what a launch is told', () => {
  it('of measured times comes from the slowest earlier attempt; nothing, before there is one', async () => {
    const told: LaunchFacts['measured'][] = [];
    const saying = recipeSaying({ end: 'exit 1' });
    const recipe: Recipe = {
      ...saying,
      training: {
        ...saying.training,
        launch: (facts) => {
          told.push(facts.measured);
          return saying.training.launch(facts);
        },
      },
    };
    const budgets = { saveMs: 1_000_000, loadMs: 1_000_000, expectedSaveMs: 5_000 };
    const measuring = ({ train }: { train: TrainCall }): TrainCall => ({
      ...train,
      attempt: { ...train.attempt, budgets },
    });
    const first = await open(recipe);
    await run(() => trainNode(first.host, measuring(first))).catch(() => undefined);
    await writePreparation(join(first.dir, 'h1'), 6_000, 60_000);
    const second = await open(recipe);
    await run(() => trainNode(second.host, measuring(second))).catch(() => undefined);
    expect(told).toEqual([
      { saveMs: 5_000, preprocessRowsPerSecond: null },
      { saveMs: 5_000, preprocessRowsPerSecond: 100 },
    ]);
  });
});

describe('what rank 0 says before the first iteration', () => {
  const KEYS = ['Missing keys: []', 'Unexpected keys: []'];
  const FROZEN = "Set modules not trainable: {'visual.blocks'}";
  const saying = (said: readonly string[]): Recipe => {
    const recipe = recipeSaying({ first: [...said, '[before the start of training step] datetime: 2026-01-01'] });
    return { ...recipe, training: { ...recipe.training, log: megatronLog, frozen: () => ['visual.blocks'] } };
  };

  it('changes nothing where all of it is as it was asked for', async () => {
    const { host, train } = await open(saying([FROZEN, ...KEYS]));
    expect(await run(() => trainNode(host, train))).toMatchObject({ hasEnded: true });
  });

  it.each([
    ['no module is frozen', ['Set modules not trainable: set()', ...KEYS], 'freeze-differs'],
    ['another is frozen too', ["Set modules not trainable: {'visual.blocks', 'lm_head'}", ...KEYS], 'freeze-differs'],
    ['nothing is said of frozen ones', KEYS, 'freeze-differs'],
    ['nothing is said of the load', [FROZEN], 'load-untold'],
    ['one list of keys is not printed', [FROZEN, 'Missing keys: []'], 'load-untold'],
  ])('ends the training: %s', async (_what, said, why) => {
    const { host, train } = await open(saying(said));
    await expect(run(() => trainNode(host, train))).rejects.toMatchObject({
      problem: { code: 'TrainingUnproven', why },
    });
  });
});
