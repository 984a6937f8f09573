import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { readProcess } from '../../../src/host/processes/proc.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { parseTorchrunSummary, parseTracebacks, type FailedRank } from '../../../src/recipes/megatron/failures.js';
import { findSuspicion } from '../../../src/recipes/megatron/suspicions.js';
import { Faults } from '../../../src/recipes/simulated/programs/faults.mjs';
import { makeSite, startGang, waitFor, type Gang, type GangOptions, type Site } from './gang.js';

/** Enough for a step here, and short enough to wait for (1.2 s). */
const SHORT_TIMEOUT = { SIM_TIMEOUT_MINUTES: '0.02' };

let site: Site;
let gangs = 0;

beforeAll(async () => {
  site = await makeSite();
});
afterAll(() => site.remove());

describe('a faults file', () => {
  test.each([
    [{ kind: 'exit', rank: 4 }, /there is no rank 4 to suffer exit\. Choose one of 0 to 3, "last" or "all"/],
    [{ kind: 'exti', rank: 3 }, /unknown kind "exti"\. Choose one of bad-argument, /],
  ])('that nobody could suffer is refused: %j', async (fault, message) => {
    const file = await site.faults([fault]);
    for (const rank of [0, 3, null]) expect(() => Faults.load(file, rank, 4)).toThrow(message);
  });
});

describe('a rank that ends', () => {
  test('with a status: its launcher says which, ends the others, and the other node ends through the collective', async () => {
    const once = join(site.dir, 'once-exit');
    const fault = { kind: 'exit', rank: 1, iteration: 12, code: 7, once };
    const gang = await suffer(fault);
    expect(await gang.ended).toEqual([1, 1]);
    expect(failedRanks(gang, 0)).toContainEqual(
      expect.objectContaining({ rank: 1, localRank: 1, exitCode: 7, signal: null }),
    );
    expect(failedRanks(gang, 0)).toHaveLength(2);
    // Where rank 2 sees the loss first, its launcher may end rank 3 between the collective of iteration 11 and its line.
    expect((await gang.iterations()).at(-1)?.iteration).toBeOneOf([10, 11]);
    expect(await lastError(gang, 3)).toMatchObject({
      rank: 3,
      exception: 'RuntimeError',
      message: expect.stringContaining('Connection closed by peer'),
    });
    expect(JSON.parse(await readFile(once, 'utf8'))).toMatchObject({ kind: 'exit', rank: 1, iteration: 12 });

    const again = await suffer(fault);
    expect(await again.ended).toEqual([0, 0]);
  });

  test('without a marker: it strikes each time', async () => {
    const fault = { kind: 'exit', rank: 1, iteration: 3 };
    for (const gang of [await suffer(fault), await suffer(fault)]) expect(await gang.ended).toEqual([1, 1]);
  });

  test('with status 0 before the end, on all ranks: nothing tells but the missing end', async () => {
    const gang = await suffer({ kind: 'exit', rank: 'all', iteration: 12, code: 0, once: join(site.dir, 'once-zero') });
    expect(await gang.ended).toEqual([0, 0]);
    expect((await gang.iterations()).at(-1)?.iteration).toBe(11);
    expect((await gang.events(0)).map(({ kind }) => kind)).not.toContain('ended');
    for (const rank of [0, 1, 2, 3]) expect(existsSync(join(site.dir, `once-zero.rank${rank}`))).toBe(true);
  });

  test.each([{ launcher: [] }, { launcher: ['--ranks-in-one-process'] }])(
    'by a signal, told by its launcher (%o)',
    async ({ launcher }) => {
      const gang = await suffer({ kind: 'signal', rank: 'last', iteration: 12, signal: 'SIGKILL' }, { launcher });
      expect(await gang.ended).toEqual([1, 1]);
      expect(failedRanks(gang, 1)).toContainEqual(
        expect.objectContaining({ rank: 3, exitCode: -9, signal: 'SIGKILL' }),
      );
      expect(failedRanks(gang, 0)).toContainEqual(expect.objectContaining({ exitCode: 1 }));
    },
  );

  test('while another one ignores SIGTERM: KILL after the grace', async () => {
    const gang = await suffer(
      [
        { kind: 'ignore-term', rank: 0 },
        { kind: 'exit', rank: 1, iteration: 5 },
      ],
      {
        launcher: ['--grace-ms', '100'],
        // Rank 0 would notice the loss and end by itself.
        env: { SIM_PEER_LOSS: 'hang' },
      },
    );
    await waitFor('the end of node 0', async () => (gang.launchers[0]?.exitCode === 1 ? true : null));
    expect(failedRanks(gang, 0)).toContainEqual(expect.objectContaining({ rank: 0, exitCode: -9, signal: 'SIGKILL' }));
    await gang.killAll();
  });
});

describe('a rank that stalls', () => {
  test('stopped by SIGSTOP: all wait for it, and go on after SIGCONT', async () => {
    const once = join(site.dir, 'once-stop');
    const gang = await suffer({ kind: 'signal', rank: 2, iteration: 12, signal: 'SIGSTOP', once });
    await waitFor('the stop', async () =>
      existsSync(once) && readProcess(gang.rankProcess(2).pid)?.state === 'T' ? true : null,
    );
    expect((await gang.iterations()).at(-1)?.iteration).toBe(11);
    process.kill(gang.rankProcess(2).pid, 'SIGCONT');
    expect(await gang.ended).toEqual([0, 0]);
    expect(await gang.iterations()).toHaveLength(40);
  });

  test('stopped by SIGSTOP: the others give up after the time-out of the collective, not earlier', async () => {
    const gang = await suffer({ kind: 'signal', rank: 2, iteration: 12, signal: 'SIGSTOP' }, { env: SHORT_TIMEOUT });
    await waitFor('the end of node 0', async () => (gang.launchers[0]?.exitCode === 1 ? true : null));
    // Whose clock runs out first ends the others with it.
    const errors = await Promise.all([0, 1, 3].map((rank) => lastError(gang, rank)));
    expect(errors).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('Timed out waiting 1200ms for recv') }),
    );
    expect((await gang.iterations()).at(-1)?.iteration).toBe(11);
    await gang.killAll();
  });

  test('killed, where a lost peer is not noticed: only the time-out tells', async () => {
    const gang = await suffer(
      { kind: 'signal', rank: 3, iteration: 12 },
      { env: { ...SHORT_TIMEOUT, SIM_PEER_LOSS: 'hang' } },
    );
    expect(await gang.ended).toEqual([1, 1]);
    expect(await lastError(gang, 0)).toMatchObject({ message: expect.stringContaining('Timed out waiting') });
  });

  test('hanging by itself: no signal, no exit, no further step', async () => {
    const gang = await suffer({ kind: 'hang', rank: 1, iteration: 12 }, { env: SHORT_TIMEOUT });
    expect(await gang.ended).toEqual([1, 1]);
    expect((await gang.iterations()).at(-1)?.iteration).toBe(11);
    // It waits for nobody, so no time-out ends it: its launcher had to.
    expect(failedRanks(gang, 0)).toMatchObject([
      { rank: 0, exitCode: 1 },
      { rank: 1, signal: 'SIGTERM' },
    ]);
  });

  test('slow for some steps: all are as slow as it', async () => {
    const gang = await suffer({ kind: 'slow', rank: 1, iteration: 12, ms: 400, steps: 2 });
    expect(await gang.ended).toEqual([0, 0]);
    const elapsed = (await gang.iterations()).map(({ elapsedMs }) => elapsedMs ?? 0);
    const total = (from: number, to: number): number => elapsed.slice(from - 1, to).reduce((sum, ms) => sum + ms, 0);
    // The last rank tells iteration 10 before the slow one can begin with 12, and 13 after it is done with it.
    expect(total(11, 13)).toBeGreaterThanOrEqual(2 * 400);
    expect(total(14, 40)).toBeLessThan(27 * 400);
  });
});

describe('a training that goes wrong', () => {
  test('NaN: the loss is gone from the lines from that iteration on, and the exit status stays 0', async () => {
    const gang = await suffer({ kind: 'nan', rank: 1, iteration: 12 });
    expect(await gang.ended).toEqual([0, 0]);
    const losses = (await gang.iterations()).map(({ loss }) => loss);
    expect(losses.slice(0, 11).every((loss) => loss !== null && loss > 0)).toBe(true);
    expect(losses.slice(11)).toEqual(Array(29).fill(null));
  });

  test('garbage in the log: no line is lost by it', async () => {
    const gang = await suffer({ kind: 'garbage', rank: 'last', iteration: 12 });
    expect(await gang.ended).toEqual([0, 0]);
    expect(await gang.log(3, 'out')).toContain('\xff\xfe\0\x1b iteration       9/    hello 0\r');
    expect((await gang.iterations()).map(({ iteration }) => iteration)).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
  });

  test.each([
    ['data-error', { rank: 1, exception: 'KeyError', message: "'messages'" }, null],
    ['out-of-memory', { rank: 1, exception: 'RuntimeError' }, 'device-out-of-memory'],
  ])('%s: a traceback on the rank, and status 1', async (kind, end, suspicion) => {
    const gang = await suffer({ kind, rank: 1, iteration: 12 });
    expect(await gang.ended).toEqual([1, 1]);
    expect(await lastError(gang, 1)).toMatchObject(end);
    expect(findSuspicion((await gang.log(1, 'err')).split('\n').at(-2) ?? '')?.id ?? null).toBe(suspicion);
    expect(failedRanks(gang, 0)).toContainEqual(expect.objectContaining({ rank: 1, exitCode: 1 }));
  });

  test('a wrong argument: status 2 of the rank before anything was trained', async () => {
    const gang = await suffer({ kind: 'bad-argument', rank: 0 });
    await waitFor('the end of node 0', async () => (gang.launchers[0]?.exitCode === 1 ? true : null));
    expect(await gang.log(0, 'err')).toContain('error: rank.mjs: unrecognized arguments: --no-such-argument');
    expect(failedRanks(gang, 0)).toContainEqual(expect.objectContaining({ rank: 0, exitCode: 2 }));
    expect(await gang.iterations()).toEqual([]);
    // Ranks of the other node look for the store that is gone, for minutes: as upstream's do.
    await gang.killAll();
  });

  test('keys missing at load: told on rank 0, fatal for whoever reads it, and trained on', async () => {
    const gang = await suffer({ kind: 'missing-keys', rank: 'all' });
    expect(await gang.ended).toEqual([0, 0]);
    expect(await gang.events(0)).toContainEqual(expect.objectContaining({ kind: 'fatal', id: 'keys-missing' }));
    expect(await gang.iterations()).toHaveLength(40);
  });

  test('the master port taken: told by the launcher of node 0 in the words of torch', async () => {
    const gang = await suffer({ kind: 'port-taken' }, { only: [0] });
    expect(await gang.ended).toEqual([1]);
    expect(findSuspicion(gang.launcherErr(0).trimEnd().split('\n').at(-1) ?? '')?.id).toBe('port-taken');
    expect(await gang.log(0, 'out')).toBe('');
  });

  test('a faults file that names an unknown kind is refused with the known ones', async () => {
    const gang = await suffer({ kind: 'earthquake' }, { only: [0] });
    expect(await gang.ended).toEqual([2]);
    expect(gang.launcherErr(0)).toMatch(/unknown kind "earthquake"\. Choose one of bad-argument, .*slow\./);
  });
});

describe('a save that goes wrong', () => {
  test.each([
    ['disk-full', { kind: 'disk-full' }, false],
    ['half of a shard', { kind: 'die-in-save', at: 'half-shard' }, false],
    ['a shard without the metadata', { kind: 'die-in-save', at: 'after-shard' }, false],
    ['all but the tracker', { kind: 'die-in-save', at: 'before-tracker', rank: 0 }, true],
    ['a hanging save', { kind: 'hang-in-save' }, false],
  ])('%s: the tracker stays behind, and the reader knows', async (_, fault, isComplete) => {
    const gang = await suffer(
      { rank: 1, iteration: 20, ...fault },
      fault.kind === 'hang-in-save' ? { env: SHORT_TIMEOUT } : {},
    );
    expect(await gang.ended).toEqual([1, 1]);
    expect(await readFile(join(gang.save, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('10');
    const [before, torn] = await Promise.all(
      ['10', '20'].map((iteration) =>
        verifyCheckpoint(join(gang.save, `iter_00000${iteration}`), { layout: megatronLayout, isDeep: true }),
      ),
    );
    expect(before).toMatchObject({ complete: true, iteration: 10 });
    expect(torn).toMatchObject({ complete: isComplete, iteration: 20 });
    if (!isComplete) expect(torn?.problems.map(({ id }) => id)).toEqual(['metadata-missing']);
  });

  test('a full disk is told as such', async () => {
    const gang = await suffer({ kind: 'disk-full', rank: 1, iteration: 15 });
    expect(await gang.ended).toEqual([1, 1]);
    expect(await lastError(gang, 1)).toMatchObject({
      exception: 'OSError',
      message: '[Errno 28] No space left on device',
    });
    // A save counts when it is the first at or after the iteration of the fault.
    expect((await gang.iterations()).at(-1)?.iteration).toBe(20);
  });
});

/** Starts a gang that is to suffer some faults. */
async function suffer(faults: object | readonly object[], options: Partial<GangOptions> = {}): Promise<Gang> {
  gangs += 1;
  const file = await site.faults([faults].flat());
  return startGang(site, { name: `gang-${gangs}`, ...options, env: { SIM_FAULTS: file, ...options.env } });
}

/** All ranks that a launcher counts as failed, the one that it saw first in front. */
function failedRanks(gang: Gang, node: number): readonly FailedRank[] {
  const summary = parseTorchrunSummary(gang.launcherErr(node));
  return summary === null ? [] : [summary.rootCause, ...summary.others];
}

async function lastError(gang: Gang, rank: number): Promise<ReturnType<typeof parseTracebacks>[number] | undefined> {
  return parseTracebacks((await gang.log(rank, 'err')).split('\n')).at(-1);
}
