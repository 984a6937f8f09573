import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { compareFences } from '../../../src/domain/gang/fence.js';
import { raiseHostFence, readHostFence } from '../../../src/host/fence/host-fence.js';
import { acquireLock } from '../../../src/host/keeper/lock.js';

const root = mkdtempSync(join(tmpdir(), 'temper-host-fence-'));
let scratch = '';
let count = 0;
beforeEach(() => {
  scratch = join(root, `scratch-${(count += 1)}`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const raise = (run: string, lease: number, attempt: number): Promise<void> =>
  raiseHostFence(scratch, { run, lease, attempt });

describe('the fence of a host', () => {
  it('keeps the newest lease and attempt, across runs', async () => {
    expect(await readHostFence(scratch)).toBeNull();
    await raise('a', 3, 7);
    await raise('a', 3, 8);
    await raise('b', 4, 1);
    expect(await readHostFence(scratch)).toMatchObject({ v: 1, run: 'b', lease: 4, attempt: 1 });
    expect((statSync(join(scratch, 'fence.json')).mode & 0o777).toString(8)).toBe('600');
  });

  it.each([
    ['an older lease', 'a', 3, 99],
    ['an older attempt of the same lease', 'b', 4, 1],
    ['the same lease and attempt of another run', 'c', 4, 2],
  ])('refuses %s, and says what came after', async (_what, run, lease, attempt) => {
    await raise('b', 4, 2);
    const before = readFileSync(join(scratch, 'fence.json'), 'utf8');
    await expect(raise(run, lease, attempt)).rejects.toMatchObject({
      problem: {
        code: 'FencedOff',
        retryable: false,
        where: join(scratch, 'fence.json'),
        what: `attempt ${attempt} of ${run} (lease ${lease}) is outdated`,
        why: 'attempt 2 of b (lease 4) came after it',
      },
    });
    expect(readFileSync(join(scratch, 'fence.json'), 'utf8')).toBe(before);
  });

  it('lets the same attempt in again, and writes nothing', async () => {
    await raise('a', 1, 1);
    const before = readFileSync(join(scratch, 'fence.json'), 'utf8');
    await raise('a', 1, 1);
    expect(readFileSync(join(scratch, 'fence.json'), 'utf8')).toBe(before);
  });

  it.each([
    ['{"v":1,"le', 'WorkspaceUnusable'],
    ['{"v":1}', 'WorkspaceUnusable'],
    ['{"v":2}', 'FormatTooNew'],
  ])('that cannot be understood (%j) is never taken for an open door', async (text, code) => {
    mkdirSync(scratch);
    writeFileSync(join(scratch, 'fence.json'), text);
    await expect(raise('a', 9, 9)).rejects.toMatchObject({ problem: { code } });
  });

  it('is raised by one process at a time, by whichever path it comes', async () => {
    mkdirSync(scratch);
    const link = `${scratch}-link`;
    symlinkSync(scratch, link);
    const lock = await acquireLock(link);
    let isRaised = false;
    const raised = raise('a', 1, 1).then(() => (isRaised = true));
    const isTried = raise('a', 1, 1);
    expect([isRaised, await readHostFence(scratch)]).toEqual([false, null]);
    await lock?.release();
    await Promise.all([raised, isTried]);
    expect(await readHostFence(scratch)).toMatchObject({ lease: 1, attempt: 1 });
  });

  it('of many at once ends at the newest; each gets in or is told that it is outdated', async () => {
    const claim = fc.record({ lease: fc.nat(3), attempt: fc.integer({ min: 1, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(claim, { minLength: 1, maxLength: 6 }), async (claims) => {
        scratch = join(root, `scratch-${(count += 1)}`);
        const outcomes = await Promise.allSettled(claims.map(({ lease, attempt }) => raise('a', lease, attempt)));
        const newest = claims.toSorted(compareFences).at(-1);
        expect(await readHostFence(scratch)).toMatchObject({ ...newest });
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome.status === 'fulfilled') continue;
          expect(outcome.reason).toMatchObject({ problem: { code: 'FencedOff' } });
          expect(
            compareFences(claims[index] ?? { lease: 9, attempt: 9 }, newest ?? { lease: 0, attempt: 0 }),
          ).toBeLessThan(0);
        }
      }),
      { numRuns: 30 },
    );
  });
});
