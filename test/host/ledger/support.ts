import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { attemptFolder } from '../../../src/domain/ids.js';
import type { Training } from '../../../src/host/ledger/prove.js';
import { attemptDir, saveDir, writeAttempt } from '../../../src/host/run/attempts.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import { iterationFolder } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import type { LedgerEntry } from '../../../src/schemas/ledger.js';
import { READERS } from '../checkpoint/fixtures.js';

export const CONTRACT = cpuTiny.checkpoint;

/** An entry of a proven checkpoint, changed by `change`. */
export function anEntry(change: Partial<LedgerEntry> = {}): LedgerEntry {
  const { attempt = 1, iteration = 2 } = change;
  return {
    key: 'k',
    attempt,
    iteration,
    dir: `attempts/${attemptFolder(attempt)}/ckpt/${iterationFolder(iteration)}`,
    provenAt: '2026-11-23T10:00:00.000Z',
    worldSize: 2,
    bytes: 51549,
    stored: { weights: true, moments: true, schedule: true, rng: true, progress: true },
    seal: { metadataSha256: 'aa', shards: [] },
    refused: null,
    removedAt: null,
    ...change,
  };
}

/** A training in a workspace of its own, gone after the test. */
export async function aTraining(): Promise<Training> {
  const workspace = await mkdtemp(join(tmpdir(), 'temper-training-'));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  return { workspace, run: 'tiny', key: 'k' };
}

/** Lets an attempt of a training have saved some of the fixture's checkpoints, whose iterations are 2 and 4. */
export async function save(
  { workspace, run, key }: Training,
  attempt: number,
  iterations: readonly (2 | 4)[],
): Promise<string[]> {
  await mkdir(attemptDir(workspace, run, attempt), { recursive: true });
  await writeAttempt(workspace, {
    v: 1,
    attempt,
    run,
    key,
    lease: attempt,
    hosts: ['h1'],
    masterAddress: '127.0.0.1',
    masterPort: 6000,
    load: { path: '/converted', iteration: null },
    refused: [],
    at: '2026-11-23T10:00:00.000Z',
  });
  return Promise.all(
    iterations.map((iteration) => saveAs({ workspace, run }, attempt, iteration, iterationFolder(iteration))),
  );
}

/** A folder of an attempt with the files of the fixture's checkpoint of an iteration. */
export async function saveAs(
  { workspace, run }: Pick<Training, 'workspace' | 'run'>,
  attempt: number,
  iteration: 2 | 4,
  name: string,
): Promise<string> {
  const dir = join(saveDir(workspace, run, attempt), name);
  await mkdir(dirname(dir), { recursive: true });
  await cp(join(READERS, 'dcp', iterationFolder(iteration)), dir, { recursive: true });
  return dir;
}

/** A receipt of a training that names a checkpoint. */
export async function receive({ workspace, key }: Training, dir: string): Promise<void> {
  const entry = join(workspace, 'store', 'train', key);
  await mkdir(entry, { recursive: true });
  const receipt = {
    v: 1,
    stage: 'train',
    key,
    dir,
    outputs: { checkpoint: dir },
    facts: {},
    manifest: [],
    digest: 'd',
    madeBy: { run: 'tiny', host: 'h1', owner: 'o', tryNumber: 1 },
    startedAt: '2026-11-23T10:00:00.000Z',
    finishedAt: '2026-11-23T10:00:00.000Z',
  };
  await writeFile(join(entry, 'receipt.json'), JSON.stringify(receipt));
}
