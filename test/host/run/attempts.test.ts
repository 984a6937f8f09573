import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptsOf,
  makeLoadView,
  namedCheckpoint,
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
