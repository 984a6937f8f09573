import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fenceFile, raiseFence, readFence } from '../../../src/host/fence/workspace-fence.js';
import type { Fence } from '../../../src/schemas/fence.js';

const root = mkdtempSync(join(tmpdir(), 'temper-fence-'));
const program = join(root, 'raiser.mjs');
let workspace = '';
let count = 0;
beforeAll(async () => {
  const input = fileURLToPath(new URL('fixtures/raiser.ts', import.meta.url));
  const bundle = await rolldown({ input, platform: 'node' });
  await bundle.write({ file: program, format: 'esm' });
  await bundle.close();
});
beforeEach(() => makeWorkspace());
afterEach(() => rmSync(workspace, { recursive: true, force: true }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function makeWorkspace(): void {
  workspace = join(root, `ws-${(count += 1)}`);
  mkdirSync(attemptsDir(), { recursive: true });
}

const attemptsDir = (): string => join(workspace, 'runs/r/attempts');
const fence = (attempt: number): Fence => ({ v: 1, run: 'r', attempt, lease: 1_000 - attempt, at: 'now' });
const standing = async (): Promise<number> => (await readFence(fenceFile(workspace, 'r')))?.attempt ?? 0;

/** Follows the fence until `work` is done; answers what it saw. */
async function watched(work: Promise<unknown>): Promise<readonly number[]> {
  const seen: number[] = [];
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  while (!isDone) {
    seen.push(await standing());
    await sleep(0);
  }
  await done;
  return [...seen, await standing()];
}

function expectOnlyRaised(seen: readonly number[]): void {
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
}

/** A raiser in a process of its own; with `killAfterMs` it is killed, wherever it is then. */
function raiser(attempts: readonly number[], patienceMs: number, killAfterMs?: number): Promise<void> {
  const child = spawn(process.execPath, [program, workspace, String(patienceMs), ...attempts.map(String)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0 || signal === 'SIGKILL') resolve();
      else reject(new Error(`raiser ended with ${code ?? signal}`));
    });
  });
}

describe('the fence in the workspace', () => {
  it('is raised, never lowered, whatever the lease', async () => {
    expect(await readFence(fenceFile(workspace, 'r'))).toBeNull();
    expect(await raiseFence(workspace, fence(2))).toEqual(fence(2));
    expect(await raiseFence(workspace, fence(1))).toEqual(fence(2));
    expect(await raiseFence(workspace, { ...fence(2), at: 'later' })).toEqual(fence(2));
    expect(await raiseFence(workspace, fence(5))).toEqual(fence(5));
    expect(await readFence(fenceFile(workspace, 'r'))).toEqual(fence(5));
    expect(readdirSync(attemptsDir()).sort()).toEqual(['fence', 'fence.raise']);
    expect(readdirSync(join(attemptsDir(), 'fence.raise'))).toEqual([]);
  });

  it.each(['', '{"v":1,"att', '[]', '{"v":1,"attempt":"x"}'])('that is damaged (%j) is replaced', async (text) => {
    writeFileSync(fenceFile(workspace, 'r'), text);
    expect(await standing()).toBe(0);
    expect(await raiseFence(workspace, fence(1))).toEqual(fence(1));
  });

  it('of a newer format is refused, and left alone', async () => {
    writeFileSync(fenceFile(workspace, 'r'), '{"v":2}');
    await expect(raiseFence(workspace, fence(1))).rejects.toMatchObject({ problem: { code: 'FormatTooNew' } });
    await expect(readFence(fenceFile(workspace, 'r'))).rejects.toMatchObject({ problem: { code: 'FormatTooNew' } });
    expect(readdirSync(attemptsDir())).toEqual(['fence']);
  });

  it('is not raised to what no reader would understand', async () => {
    await expect(raiseFence(workspace, { ...fence(1), lease: -1 })).rejects.toThrow(/lease/);
    expect(readdirSync(attemptsDir())).toEqual([]);
  });

  it('needs the folder of the attempts', async () => {
    rmSync(attemptsDir(), { recursive: true });
    await expect(raiseFence(workspace, fence(1))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not held up for long by a raiser that was killed in its turn', async () => {
    const turn = join(attemptsDir(), 'fence.raise');
    mkdirSync(turn);
    writeFileSync(join(turn, '9-killed'), JSON.stringify(fence(9)));
    expect(await raiseFence(workspace, fence(2), { patienceMs: 100 })).toEqual(fence(2));
    expect(readdirSync(turn)).toEqual([]);
  });
});

describe('many raisers of a fence', () => {
  it('end at the highest and never lower it, even when they take each other for dead', async () => {
    const orders = fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 2 });
    await fc.assert(
      fc.asyncProperty(orders, fc.constantFrom(0, 1, 5, 10_000), async (attempts, patienceMs) => {
        makeWorkspace();
        const raised = attempts.map((attempt) => raiseFence(workspace, fence(attempt), { patienceMs }));
        expectOnlyRaised(await watched(Promise.all(raised)));
        const results = await Promise.all(raised);
        for (const [index, result] of results.entries()) {
          expect(result.attempt).toBeGreaterThanOrEqual(attempts[index] ?? 0);
        }
        expect(await standing()).toBe(Math.max(...attempts));
        rmSync(workspace, { recursive: true });
      }),
      { numRuns: 30 },
    );
  });

  it('in processes of their own, some of them killed, end at the highest of those that finished', async () => {
    const step = (first: number): number[] => Array.from({ length: 30 }, (_, index) => first + index * 4);
    const work = Promise.all([
      raiser(step(1), 50),
      raiser(step(2), 50),
      // Node is up after some 50 ms: these die before, while and after they raise.
      ...[40, 60, 80, 100, 120].map((killAfterMs) => raiser(step(3), 50, killAfterMs)),
    ]);
    expectOnlyRaised(await watched(work));
    expect(await standing()).toBeGreaterThanOrEqual(118);
    expect(await raiseFence(workspace, fence(500), { patienceMs: 50 })).toEqual(fence(500));
  });
});
