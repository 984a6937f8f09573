import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptDir,
  attemptsOf,
  makeLoadView,
  namedCheckpoint,
  newestProven,
  takeAttempt,
  writeAttempt,
} from '../../../src/host/run/attempts.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import type { AttemptRecord } from '../../../src/schemas/attempt.js';
import { READERS } from '../checkpoint/fixtures.js';

const contract = cpuTiny.checkpoint;
let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'temper-attempts-'));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function record(attempt: number, key = 'k'): AttemptRecord {
  return {
    v: 1,
    attempt,
    run: 'r',
    key,
    lease: 1,
    hosts: ['h1'],
    masterAddress: '',
    masterPort: 1,
    load: { path: '/p', iteration: null },
    refused: [],
    at: '',
  };
}

/** An attempt that saved these iterations. */
async function attempt(number: number, ...iterations: readonly number[]): Promise<AttemptRecord> {
  const ckpt = join(attemptDir(workspace, 'r', number), 'ckpt');
  mkdirSync(ckpt, { recursive: true });
  for (const one of iterations)
    cpSync(join(READERS, 'dcp', contract.iterationFolder(one)), join(ckpt, contract.iterationFolder(one)), {
      recursive: true,
    });
  await writeAttempt(workspace, record(number));
  return record(number);
}

const shard = (number: number, iteration: number): string =>
  join(attemptDir(workspace, 'r', number), 'ckpt', contract.iterationFolder(iteration), '__0_0.distcp');
const newest = (...attempts: readonly AttemptRecord[]) => newestProven(workspace, 'r', attempts, contract);

describe('attempt numbers', () => {
  it('are taken once each by many at the same time, above all that are there', async () => {
    mkdirSync(join(workspace, 'runs/r/attempts/0041'), { recursive: true });
    writeFileSync(join(workspace, 'runs/r/attempts/fence'), '');
    const numbers = await Promise.all(Array.from({ length: 20 }, () => takeAttempt(workspace, 'r')));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => 42 + index));
    expect(readdirSync(join(workspace, 'runs/r/attempts'))).toContain('0042');
  });

  it('go with records of what was trained, oldest first', async () => {
    for (const [number, key] of [
      [12, 'k'],
      [2, 'k'],
      [3, 'other'],
    ] as const)
      await writeAttempt(workspace, record(number, key));
    await takeAttempt(workspace, 'r');
    expect((await attemptsOf(workspace, 'r', 'k')).map((one) => one.attempt)).toEqual([2, 12]);
    expect(await attemptsOf(workspace, 'never-ran', 'k')).toEqual([]);
  });
});

describe('the newest proven checkpoint', () => {
  it('is none before the first', async () => {
    expect(await newest()).toEqual({ proven: null, refused: [] });
    expect(await newest(await attempt(1))).toEqual({ proven: null, refused: [] });
  });

  it('is the highest iteration over all attempts, and of equal ones the later attempt', async () => {
    const [one, two, three] = [await attempt(1, 2, 4), await attempt(2, 2), await attempt(3, 4)];
    expect(await newest(one, two)).toMatchObject({
      proven: { dir: join(attemptDir(workspace, 'r', 1), 'ckpt/iter_0000004'), iteration: 4 },
      refused: [],
    });
    expect((await newest(one, two, three)).proven?.dir).toBe(join(attemptDir(workspace, 'r', 3), 'ckpt/iter_0000004'));
    expect((await newest(two)).proven?.iteration).toBe(2);
  });

  it('is not a damaged one, and each refused one is named with its reason', async () => {
    const [one, two] = [await attempt(1, 2, 4), await attempt(2, 4)];
    truncateSync(shard(1, 4), 100);
    rmSync(shard(2, 4));
    const { proven, refused } = await newest(one, two);
    expect(proven).toEqual({ dir: join(attemptDir(workspace, 'r', 1), 'ckpt/iter_0000002'), iteration: 2 });
    expect(refused).toEqual([
      expect.stringMatching(/attempts\/0002\/ckpt\/iter_0000004\/__0_0\.distcp: .*no file/),
      expect.stringMatching(/attempts\/0001\/ckpt\/iter_0000004\/__0_0\.distcp: 100 of/),
    ]);
  });

  it('is not a folder of another name, such as one that was moved aside', async () => {
    const one = await attempt(1, 2);
    cpSync(join(READERS, 'dcp/iter_0000004'), join(attemptDir(workspace, 'r', 1), 'ckpt/iter_0000004.bad'), {
      recursive: true,
    });
    expect((await newest(one)).proven?.iteration).toBe(2);
  });
});

describe('a load view', () => {
  it.each([
    [4, 'iter_0000004', '4'],
    [null, 'release', 'release'],
  ])('of iteration %s shows the folder %s, and its tracker says %j', async (iteration, folder, tracker) => {
    const dir = join(workspace, 'load');
    await makeLoadView(dir, { dir: '/the/checkpoint', iteration }, contract);
    expect(readdirSync(dir).sort()).toEqual([folder, 'latest_checkpointed_iteration.txt'].sort());
    expect(readlinkSync(join(dir, folder))).toBe('/the/checkpoint');
    expect(readFileSync(join(dir, 'latest_checkpointed_iteration.txt'))).toEqual(Buffer.from(tracker));
  });

  it('is a checkpoint folder to every reader', async () => {
    const dir = join(workspace, 'load');
    await makeLoadView(dir, { dir: join(READERS, 'dcp/iter_0000002'), iteration: 2 }, contract);
    expect(await namedCheckpoint(dir, contract)).toEqual({ dir: join(dir, 'iter_0000002'), iteration: 2 });
  });
});

describe('a checkpoint that a user names', () => {
  it.each([
    ['an iteration', 'dcp/iter_0000002', 'dcp/iter_0000002', 2],
    ['a folder with a tracker', 'dcp', 'dcp/iter_0000004', 4],
    ['a folder with a slash behind it', 'dcp/', 'dcp/iter_0000004', 4],
    ['converted weights', 'dcp-release', 'dcp-release/release', null],
    ['the folder of converted weights', 'dcp-release/release', 'dcp-release/release', null],
  ])('may be %s', async (_what, named, dir, iteration) => {
    expect(await namedCheckpoint(join(READERS, named), contract)).toEqual({ dir: join(READERS, dir), iteration });
  });

  it.each([
    ['is not there', 'gone', /there is no such folder/],
    ['holds none', 'hf', /no folder in it holds a committed checkpoint/],
  ])('is refused when it %s', async (_what, named, refused) => {
    expect(await namedCheckpoint(join(READERS, named), contract)).toEqual({ refused: expect.stringMatching(refused) });
  });

  it('is refused when its folder has a name that no load view can show', async () => {
    const dir = join(workspace, 'my-checkpoint');
    cpSync(join(READERS, 'dcp/iter_0000002'), dir, { recursive: true });
    expect(await namedCheckpoint(dir, contract)).toEqual({ refused: expect.stringMatching(/my-checkpoint/) });
  });
});
