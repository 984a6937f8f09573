import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureKeeper } from '../../../src/host/keeper/client.js';
import { scratchMarker } from '../../../src/host/keeper/environment.js';
import { createTracker } from '../../../src/host/processes/tracker.js';
import { KeeperRequestSchema } from '../../../src/schemas/keeper.js';
import type { KeeperFence } from '../../../src/schemas/keeper.js';
import { fixture, isAlive, keeperPid, printedNumbers, read, request, sh, until, useKeeperBench } from './helpers.js';
import { fenceOf, lookerOf, lookersOf, makeAttempts, putFence } from './workspace.js';

const bench = useKeeperBench();

/** A fence of this test, with the folder of attempt 1 beside it. */
function makeFence(over: Partial<KeeperFence> = {}): KeeperFence {
  return fenceOf(makeAttempts(join(bench.scratch(), 'ws/attempts')), over);
}

function start(argv: readonly string[], fence: KeeperFence, id = 'one') {
  return ensureKeeper(bench.scratch(), bench.bundle(), request(argv, { id, fence }));
}

/** Neither the keeper, its looker nor its command are left. */
async function expectNobodyLeft(...pids: readonly number[]): Promise<void> {
  const tracker = createTracker({ marker: scratchMarker(bench.scratch()), roots: [] });
  await until(() => !pids.some(isAlive) && tracker.scan().targets.length === 0, 'the end of all processes');
}

/** How long the command was stopped after an instant, ms. */
function stoppedAfter(exit: { readonly endedAt: string }, sinceMs: number): number {
  return Date.parse(exit.endedAt) - sinceMs;
}

const makeFifo = (path: string): void => {
  const { status } = spawnSync('/bin/sh', ['-c', 'exec mkfifo "$0"', path]);
  if (status !== 0) throw new Error(`mkfifo ${path} failed`);
};

/** Cases side by side on one host, each with a keeper and a workspace of its own: most of their time is a timeout. */
async function allAtOnce<T>(
  timeoutMs: number,
  cases: readonly T[],
  run: (one: T, fence: KeeperFence, id: string) => Promise<void>,
): Promise<void> {
  const fences = cases.map((_, index) => makeAttempts(join(bench.scratch(), `ws-${index}/attempts`)));
  const make = (index: number): KeeperFence => fenceOf(fences[index] ?? '', { timeoutMs });
  await Promise.all(cases.map((one, index) => run(one, make(index), `case-${index}`)));
}

describe('a fence that is raised to a newer attempt', () => {
  it('stops the ranks at the next look, with a short grace', async () => {
    const fence = makeFence();
    putFence(fence.file, 1);
    const keeper = await start(fixture('ranks.py', '3', 'wait'), fence);
    const ranks = await printedNumbers(keeper.paths.stdout, 3);
    const pid = await keeperPid(keeper);
    const looker = await lookerOf(pid);
    const raisedAt = Date.now();
    putFence(fence.file, 2);
    const exit = await keeper.waitForExit();
    expect(exit).toMatchObject({ stop: { requestedBy: 'keeper', reason: 'fenced' }, unkillable: [] });
    // A look every 50 ms, two seconds of grace at most, and a busy machine.
    expect(stoppedAfter(exit, raisedAt)).toBeLessThan(10_000);
    expect(ranks.filter(isAlive)).toEqual([]);
    await expectNobodyLeft(pid, looker);
    expect(read(keeper.paths.log)).toMatch(/attempt 1 is fenced: .*names attempt 2/);
  });

  it('kills ranks that ignore TERM', async () => {
    const fence = makeFence({ timeoutMs: 3_000 });
    const keeper = await start(fixture('ignore-term.py'), fence);
    await until(() => read(keeper.paths.stdout).includes('ready'));
    putFence(fence.file, 2);
    expect(await keeper.waitForExit()).toMatchObject({ signal: 'SIGKILL', stop: { reason: 'fenced', isForced: true } });
  });

  it('is seen although the looker was killed', async () => {
    const fence = makeFence();
    const keeper = await start(['sleep', '600'], fence);
    const pid = await keeperPid(keeper);
    const first = await lookerOf(pid);
    process.kill(first, 'SIGKILL');
    const second = await until(() => {
      const found = lookersOf(pid).filter((one) => one !== first);
      return found[0] ?? null;
    }, 'a second looker');
    putFence(fence.file, 7);
    expect(await keeper.waitForExit()).toMatchObject({ stop: { reason: 'fenced' } });
    await expectNobodyLeft(pid, second);
  });
});

describe('a fence that names no newer attempt', () => {
  it('leaves the command alone, whatever else stands in its place', async () => {
    const texts: Readonly<Record<string, string | null>> = {
      'is missing': null,
      'is empty': '',
      'is not JSON': '{"v":1,"att',
      'is no object': 'null',
      'names no attempt': '{"v":1}',
      'names an attempt that is no number': '{"v":1,"attempt":"9"}',
      'names this attempt': '{"v":1,"attempt":1,"lease":9}',
      'names an older attempt': '{"v":1,"attempt":0,"lease":9}',
    };
    // Looks come every 50 ms; on a loaded machine a process that makes them may take seconds to begin.
    await allAtOnce(3_000, Object.entries(texts), async ([what, text], fence, id) => {
      if (text !== null) writeFileSync(fence.file, text);
      const keeper = await start(sh('sleep 9; exit 9'), fence, id);
      expect(await keeper.waitForExit(), what).toMatchObject({ code: 9, stop: null });
      expect(read(keeper.paths.log), what).toBe('');
    });
  });
});

describe('a workspace that cannot be read', () => {
  it('stops the ranks after the timeout, however it is lost', async () => {
    const losses: readonly (readonly [string, (fence: KeeperFence) => void, RegExp])[] = [
      ['its folder is gone', ({ file }) => rmSync(join(file, '..'), { recursive: true }), /ENOENT/],
      ['it is an empty mount point', ({ file }) => rmSync(join(file, '../0001'), { recursive: true }), /ENOENT/],
      [
        'it is an empty mount point in which the ranks make their folders',
        ({ file }) => {
          rmSync(join(file, '..'), { recursive: true });
          mkdirSync(join(file, '../0001/h1/curves'), { recursive: true });
        },
        /ENOENT/,
      ],
      ['reading fails', ({ file }) => mkdirSync(file), /EISDIR/],
      ['its format is too new', ({ file }) => putFence(file, 1, { v: 2 }), /format 2, known is 1/],
    ];
    // Long enough that the ranks are up, and the looks have begun, before the workspace is spoilt.
    await allAtOnce(5_000, losses, async ([what, spoil, log], fence, id) => {
      const keeper = await start(fixture('ranks.py', '2', 'wait'), fence, id);
      const ranks = await printedNumbers(keeper.paths.stdout, 2);
      const pid = await keeperPid(keeper);
      spoil(fence);
      const exit = await keeper.waitForExit();
      expect(exit, what).toMatchObject({ stop: { requestedBy: 'keeper', reason: 'workspace-lost' } });
      expect(ranks.filter(isAlive), what).toEqual([]);
      expect(read(keeper.paths.log), what).toMatch(log);
      expect(read(keeper.paths.log), what).toMatch(/could not be read for 5000 ms: /);
      await until(() => !isAlive(pid), `the end of the keeper of ${what}`);
    });
    await expectNobodyLeft();
  });

  it('leaves the command alone when it comes back in time, again and again', async () => {
    const fence = makeFence({ timeoutMs: 4_000 });
    const attempts = join(fence.file, '..');
    const go = join(bench.scratch(), 'go');
    const keeper = await start(sh(`while ! test -e ${go}; do sleep 0.05; done; exit 9`), fence);
    const count = (text: string): number => read(keeper.paths.log).split(text).length - 1;
    const endsAt = performance.now() + fence.timeoutMs + 500;
    for (let outage = 1; performance.now() < endsAt; outage += 1) {
      renameSync(attempts, `${attempts}.away`);
      await until(() => count('cannot be read') === outage, `outage ${outage} in the log`);
      renameSync(`${attempts}.away`, attempts);
      await until(() => count('can be read again') === outage, `the end of outage ${outage} in the log`);
    }
    writeFileSync(go, '');
    expect(await keeper.waitForExit()).toMatchObject({ code: 9, stop: null });
  });

  // A named pipe in place of the fence: open(2) waits for a writer that never comes.
  it('stops the ranks after the timeout when it hangs, and ends itself', async () => {
    const fence = makeFence({ timeoutMs: 1_000 });
    const keeper = await start(fixture('ranks.py', '2', 'wait'), fence);
    const ranks = await printedNumbers(keeper.paths.stdout, 2);
    const pid = await keeperPid(keeper);
    const looker = await lookerOf(pid);
    makeFifo(`${fence.file}.new`);
    const hungAt = Date.now();
    renameSync(`${fence.file}.new`, fence.file);
    const exit = await keeper.waitForExit();
    expect(exit).toMatchObject({ stop: { requestedBy: 'keeper', reason: 'workspace-lost' }, unkillable: [] });
    expect(stoppedAfter(exit, hungAt)).toBeLessThan(10_000);
    expect(JSON.parse(readFileSync(keeper.paths.exit, 'utf8'))).toEqual(exit);
    expect(ranks.filter(isAlive)).toEqual([]);
    await expectNobodyLeft(pid, looker);
    expect(read(keeper.paths.log)).toMatch(/could not be read for 1000 ms: a look hangs/);
  });

  it('still lets clients talk to the keeper while it hangs, and lives on when it answers late', async () => {
    const fence = makeFence();
    makeFifo(fence.file);
    const keeper = await start(['sleep', '600'], fence);
    const pid = await keeperPid(keeper);
    const looker = await lookerOf(pid);
    expect(await keeper.status()).toMatchObject({ state: 'running', stop: null });
    // Opening for writing waits for the look to be in open(2); then the look gets its answer.
    const writer = openSync(fence.file, 'w');
    writeSync(writer, JSON.stringify({ v: 1, attempt: 1 }));
    rmSync(fence.file);
    closeSync(writer);
    putFence(fence.file, 2);
    // Only a looker that was freed sees this.
    expect(await keeper.waitForExit()).toMatchObject({ stop: { reason: 'fenced' } });
    await expectNobodyLeft(pid, looker);
  });

  it('hangs a looker that ends with its keeper, even when that is killed', async () => {
    const fence = makeFence();
    makeFifo(fence.file);
    const keeper = await start(['sleep', '600'], fence);
    const pid = await keeperPid(keeper);
    const looker = await lookerOf(pid);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(looker), 'the end of the looker');
    expect(await keeper.waitForExit()).toMatchObject({ stop: { reason: 'keeper-lost' } });
  });
});

describe('a keeper that was stopped for longer than the timeout', () => {
  it('looks again before it judges', async () => {
    const fence = makeFence({ timeoutMs: 1_500 });
    const go = join(bench.scratch(), 'go');
    const keeper = await start(sh(`while ! test -e ${go}; do sleep 0.05; done; exit 9`), fence);
    const pid = await keeperPid(keeper);
    process.kill(pid, 'SIGSTOP');
    const continueAt = performance.now() + fence.timeoutMs * 1.5;
    await until(() => performance.now() >= continueAt, 'the time of the stop');
    process.kill(pid, 'SIGCONT');
    const judgedBy = performance.now() + 500;
    await until(() => performance.now() >= judgedBy, 'several looks');
    writeFileSync(go, '');
    expect(await keeper.waitForExit()).toMatchObject({ code: 9, stop: null });
  });
});

describe('a host that has seen a newer attempt', () => {
  const seen = (lease: number, attempt: number): void => {
    mkdirSync(bench.scratch(), { recursive: true });
    writeFileSync(join(bench.scratch(), 'fence.json'), JSON.stringify({ v: 1, run: 'r', attempt, lease, at: '' }));
  };

  it.each([
    ['a later lease', 2, 1],
    ['a later attempt of the same lease', 1, 2],
  ])('does not start the command of an older one (%s)', async (_what, lease, attempt) => {
    seen(lease, attempt);
    const ran = join(bench.scratch(), 'ran');
    const keeper = await start(sh(`touch ${ran}`), makeFence());
    expect(await keeper.waitForExit()).toMatchObject({ code: null, stop: { requestedBy: 'keeper', reason: 'fenced' } });
    expect(existsSync(ran)).toBe(false);
    await expectNobodyLeft();
  });

  it.each([
    ['the same attempt', 1, 1],
    ['an older lease', 0, 99],
  ])('starts the command after %s', async (_what, lease, attempt) => {
    seen(lease, attempt);
    expect(await (await start(sh('exit 9'), makeFence())).waitForExit()).toMatchObject({ code: 9, stop: null });
  });

  it('does not start anything on a damaged record of it', async () => {
    mkdirSync(bench.scratch(), { recursive: true });
    writeFileSync(join(bench.scratch(), 'fence.json'), '{"v":1}');
    await expect(start(sh('exit 9'), makeFence())).rejects.toThrow(/fence\.json does not have the form/);
  });
});

describe('a request of before the fence', () => {
  it('still runs, and a worker that knows the fence attaches to it', async () => {
    const golden = JSON.parse(
      readFileSync(new URL('../../fixtures/formats/keeper-request/v1.json', import.meta.url), 'utf8'),
    );
    const dir = bench.scratch();
    mkdirSync(dir, { recursive: true });
    const old = KeeperRequestSchema.parse({ ...golden, argv: sh('sleep 600'), cwd: dir, rankLogs: undefined });
    expect(old.fence).toBeUndefined();
    const keeper = await ensureKeeper(dir, bench.bundle(), old);
    const pid = await keeperPid(keeper);
    const again = await ensureKeeper(dir, bench.bundle(), { ...old, fence: makeFence() });
    expect(await keeperPid(again)).toBe(pid);
    expect(lookersOf(pid)).toEqual([]);
    await again.stop({ reason: 'enough' });
    expect(await again.waitForExit()).toMatchObject({ stop: { reason: 'enough' } });
  });
});
