import { join } from 'node:path';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { endTrainings } from '../../../src/host/fence/end-trainings.js';
import { readHostFence } from '../../../src/host/fence/host-fence.js';
import { takeHost } from '../../../src/host/fence/take-host.js';
import { ensureKeeper, findKeeper } from '../../../src/host/keeper/client.js';
import type { KeeperHandle } from '../../../src/host/keeper/handle.js';
import type { KeeperRequestInput } from '../../../src/schemas/keeper.js';
import {
  fixture,
  isAlive,
  keeperPid,
  printedNumbers,
  read,
  request,
  sh,
  until,
  useKeeperBench,
} from '../keeper/helpers.js';
import { fenceOf, makeAttempts } from '../keeper/workspace.js';

const bench = useKeeperBench();
const take = (run: string, lease: number, attempt: number): Promise<void> =>
  takeHost({ name: 'h1', scratch: bench.scratch() }, { run, lease, attempt }, { graceMs: 2_000 });

type Over = Partial<Omit<KeeperRequestInput, 'argv'>> & {
  readonly argv?: readonly string[];
  readonly lease?: number;
  readonly attempt?: number;
};

/** A training of an attempt, whose workspace knows of no newer one. */
function start(id: string, over: Over = {}) {
  const { lease = 1, attempt = 1, argv = fixture('ranks.py', '2', 'wait'), ...rest } = over;
  const fence = fenceOf(makeAttempts(join(bench.scratch(), 'ws', id)), { lease, attempt: 1 });
  const labels = { run: 'r', stage: 'train', host: 'h1', attempt };
  return ensureKeeper(
    bench.scratch(),
    bench.bundle(),
    request(argv, { id, labels, fence: { ...fence, attempt }, ...rest }),
  );
}

const withoutFence = { labels: { run: 'r', stage: 'train', host: 'h1' }, fence: undefined };
const ranksOf = (keeper: KeeperHandle): Promise<readonly number[]> => printedNumbers(keeper.paths.stdout, 2);

describe('a host that is taken by an attempt', () => {
  it.each<[string, Over]>([
    ['an older attempt of the run', {}],
    ['another run with an older lease', { labels: { run: 'other', stage: 'train', host: 'h1' }, attempt: 40 }],
    ['a keeper of before the fence', withoutFence],
  ])('first ends %s, with all its ranks', async (_what, over) => {
    const old = await start('old', over);
    const ranks = await ranksOf(old);
    await take('r', 2, 2);
    expect(ranks.filter(isAlive)).toEqual([]);
    expect(await old.status()).toMatchObject({ state: 'exited', exit: { stop: { reason: 'fenced' }, unkillable: [] } });
    expect(await readHostFence(bench.scratch())).toMatchObject({ run: 'r', lease: 2, attempt: 2 });
    await take('r', 2, 2);
  });

  it('sweeps the ranks of a keeper that was killed', async () => {
    const old = await start('old');
    const ranks = await ranksOf(old);
    const pid = await keeperPid(old);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    expect(ranks.every(isAlive)).toBe(true);
    await take('r', 2, 2);
    expect(ranks.filter(isAlive)).toEqual([]);
  });

  it('ends one whose request is damaged, since it may be a training', async () => {
    const old = await start('old');
    const ranks = await ranksOf(old);
    writeFileSync(old.paths.request, '{"v":1,"id"');
    await take('r', 2, 2);
    expect(ranks.filter(isAlive)).toEqual([]);
  });

  it('leaves other stages, the attempt itself, and what ended long ago', async () => {
    const [convert, own] = await Promise.all([
      start('convert', { ...withoutFence, labels: { run: 'r', stage: 'convert', host: 'h1' } }),
      start('own', { lease: 2, attempt: 2 }),
    ]);
    const ended = await start('ended', { argv: sh('exit 3') });
    const exit = await ended.waitForExit();
    await take('r', 2, 2);
    expect(await convert.status()).toMatchObject({ state: 'running', stop: null });
    expect(await own.status()).toMatchObject({ state: 'running', stop: null });
    expect(await ended.waitForExit()).toEqual(exit);
  });

  it('is refused to an older one, and nothing is touched', async () => {
    await take('r', 2, 2);
    const own = await start('own', { lease: 2, attempt: 2 });
    await expect(take('old', 1, 9)).rejects.toMatchObject({ problem: { code: 'FencedOff' } });
    expect(await own.status()).toMatchObject({ state: 'running', stop: null });
  });

  it('is refused even when the fence of the host was removed, while a newer one runs', async () => {
    const newer = await start('newer', { lease: 3, attempt: 1 });
    rmSync(join(bench.scratch(), 'fence.json'), { force: true });
    await expect(take('r', 2, 2)).rejects.toMatchObject({ problem: { code: 'FencedOff' } });
    expect(await newer.status()).toMatchObject({ state: 'running', stop: null });
  });

  it('waits no longer than its caller wants', async () => {
    const old = await start('old', { argv: fixture('ignore-term.py') });
    await until(() => read(old.paths.stdout).includes('ready'));
    const controller = new AbortController();
    const reason = new Error('worker shuts down');
    const taken = takeHost(
      { name: 'h1', scratch: bench.scratch() },
      { run: 'r', lease: 2, attempt: 2 },
      { graceMs: 60_000, signal: controller.signal },
    );
    await until(() => existsSync(join(bench.scratch(), 'fence.json')));
    controller.abort(reason);
    await expect(taken).rejects.toBe(reason);
    await take('r', 2, 2);
    expect(await old.status()).toMatchObject({ state: 'exited', exit: { stop: { reason: 'fenced' } } });
  });
});

describe('processes that survived SIGKILL under an older keeper', () => {
  it('are tried once more, and reported with the host as long as they live', async () => {
    const old = await start('old');
    const [rank = 0] = await ranksOf(old);
    // Refreshed every five seconds: from now on the record names the sessions of the ranks.
    await until(() => read(old.paths.record).includes(`"pid": ${rank}`), 'the ranks in keeper.json', 20_000);
    const pid = await keeperPid(old);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    const at = new Date().toISOString();
    const stop = { requestedBy: 'client', reason: 'cancelled', at, isForced: true };
    const survived = { v: 1, id: 'old', code: null, signal: null, startedAt: at, endedAt: at, stop, spawnError: null };
    writeFileSync(old.paths.exit, JSON.stringify({ ...survived, unkillable: [rank] }));

    const signals: string[] = [];
    const claim = { run: 'r', lease: 2, attempt: 2 };
    const stuck = {
      graceMs: 0,
      secondDeadlineMs: 100,
      send: (_target: object, signal: string) => signals.push(signal),
    };
    const [left] = await endTrainings(bench.scratch(), claim, stuck);
    expect(left?.unkillable).toContain(rank);
    expect(signals).toContain('SIGKILL');
    await expect(takeHost({ name: 'h1', scratch: bench.scratch() }, claim, stuck)).rejects.toMatchObject({
      problem: { code: 'HostUnkillable', where: 'h1', what: expect.stringContaining(String(rank)), retryable: false },
    });
    await take('r', 2, 2);
    expect(isAlive(rank)).toBe(false);
  }, 60_000);
});

describe('an older attempt that starts while a newer one takes the host', () => {
  it('never runs beside it, whoever is first', async () => {
    for (const [round, delayMs] of [0, 20, 60, 120, 200].entries()) {
      const id = `old-${round}`;
      const [older, newer] = [2 * round + 1, 2 * round + 2];
      const ran = join(bench.scratch(), `ran-${round}`);
      const argv = sh(`echo $$ >> ${ran}; exec sleep 600`);
      const starting = start(id, { lease: older, argv });
      await sleep(delayMs);
      await take('r', newer, 1);
      const { paths } = await starting;
      // From here on the host belongs to the newer one: the older runs no more, and never will.
      await until(() => existsSync(paths.exit), 'the end of the older one');
      expect(JSON.parse(readFileSync(paths.exit, 'utf8'))).toMatchObject({ stop: { reason: 'fenced' } });
      expect(read(ran).split('\n').filter(Boolean).map(Number).filter(isAlive)).toEqual([]);
      expect(await findKeeper(bench.scratch(), id)?.status()).toMatchObject({ state: 'exited' });
    }
  });
});
