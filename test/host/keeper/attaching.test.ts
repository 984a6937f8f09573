import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { ensureKeeper, findKeeper, listKeepers, removeKeeper } from '../../../src/host/keeper/client.js';
import { scratchMarker } from '../../../src/host/keeper/environment.js';
import { identityOf } from '../../../src/host/processes/identity.js';
import { sendSignal } from '../../../src/host/processes/sweep.js';
import { createTracker } from '../../../src/host/processes/tracker.js';
import { fixture, isAlive, keeperPid, printedNumbers, read, request, sh, until, useKeeperBench } from './helpers.js';

const bench = useKeeperBench();

async function start(...args: Parameters<typeof request>) {
  return ensureKeeper(bench.scratch(), bench.bundle(), request(...args));
}

describe('one id, one command', () => {
  it('runs once for eight concurrent callers', async () => {
    const file = join(bench.scratch(), 'ran');
    const ask = request(sh(`echo ran >> ${file}; sleep 0.3`));
    const keepers = await Promise.all(
      Array.from({ length: 8 }, () => ensureKeeper(bench.scratch(), bench.bundle(), ask)),
    );
    const exits = await Promise.all(keepers.map((keeper) => keeper.waitForExit()));
    expect(new Set(exits.map((exit) => JSON.stringify(exit))).size).toBe(1);
    expect(read(file)).toBe('ran\n');
  });

  it('is not run again when it ended', async () => {
    const file = join(bench.scratch(), 'ran');
    const exit = await (await start(sh(`echo ran >> ${file}`))).waitForExit();
    expect(await (await start(sh(`echo other >> ${file}`))).waitForExit()).toEqual(exit);
    expect(read(file)).toBe('ran\n');
  });

  it('is told apart by scratch folder', async () => {
    const [one, two] = await Promise.all(
      ['h1', 'h2'].map((host) => ensureKeeper(join(bench.scratch(), host), bench.bundle(), request(['sleep', '600']))),
    );
    await one?.stop({ reason: 'only this' });
    expect(await one?.waitForExit()).toMatchObject({ stop: { reason: 'only this' } });
    expect(await two?.status()).toMatchObject({ state: 'running' });
    await two?.stop({ reason: 'now this' });
    await two?.waitForExit();
  });
});

describe('when a worker dies', () => {
  it('by kill -9, its command goes on and another worker attaches', async () => {
    const workerBundle = join(bench.scratch(), 'worker.mjs');
    const build = await rolldown({
      input: fileURLToPath(new URL('fixtures/worker.ts', import.meta.url)),
      platform: 'node',
    });
    await build.write({ file: workerBundle, format: 'esm' });
    await build.close();
    const ask = request(sh(`echo $$; while ! test -e ${join(bench.scratch(), 'go')}; do sleep 0.05; done; exit 6`));
    const worker = spawn(process.execPath, [workerBundle, bench.scratch(), bench.bundle(), JSON.stringify(ask)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => worker.stdout.once('data', resolve));
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    process.kill(-(worker.pid ?? 0), 'SIGKILL');
    await gone;

    const keeper = await start(sh('echo a second command'));
    expect(await keeper.status()).toMatchObject({ state: 'running' });
    const [pid = 0] = await printedNumbers(keeper.paths.stdout, 1);
    expect(isAlive(pid)).toBe(true);
    writeFileSync(join(bench.scratch(), 'go'), '');
    expect(await keeper.waitForExit()).toMatchObject({ code: 6, stop: null });
  });

  it('by an abort, the wait ends with the reason and the command stays', async () => {
    const keeper = await start(['sleep', '600']);
    const controller = new AbortController();
    const reason = new Error('worker shuts down');
    const wait = keeper.waitForExit({ signal: controller.signal, onStatus: () => controller.abort(reason) });
    await expect(wait).rejects.toBe(reason);
    await expect(keeper.waitForExit({ signal: controller.signal })).rejects.toBe(reason);
    expect(await keeper.status()).toMatchObject({ state: 'running', stop: null });
  });

  it('between making the folder and starting the keeper, the next try starts it', async () => {
    const dir = join(bench.scratch(), 'keepers', 'one');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'request.json'), '{"v":1,"half');
    copyFileSync(bench.bundle(), join(dir, 'keeper.mjs'));
    expect(await (await start(sh('exit 8'))).waitForExit()).toMatchObject({ code: 8 });
  });
});

describe('when a keeper is killed with -9', () => {
  it('the loss is seen, the command swept, the exit unknown, and nothing started again', async () => {
    const file = join(bench.scratch(), 'ran');
    const keeper = await start(sh(`echo ran >> ${file}; exec ${fixture('ranks.py', '2', 'wait').join(' ')}`));
    const ranks = await printedNumbers(keeper.paths.stdout, 2);
    const pid = await keeperPid(keeper);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    expect(await keeper.status()).toMatchObject({ state: 'lost' });
    expect(ranks.every(isAlive)).toBe(true);

    const [again, other] = await Promise.all([start(['echo', 'again']), keeper.waitForExit()]);
    expect(await again.waitForExit()).toEqual(other);
    expect(other).toMatchObject({ code: null, signal: null, stop: { reason: 'keeper-lost' }, unkillable: [] });
    expect(ranks.filter(isAlive)).toEqual([]);
    expect(read(file)).toBe('ran\n');
    expect(existsSync(join(keeper.paths.dir, 'talk.sock'))).toBe(false);
  });

  it('at any moment of its start, the command has run at most once, and once if its exit is known', async () => {
    // From before the keeper's first step to after its last: it takes about 100 ms on an idle host.
    for (const [index, delayMs] of [0, 30, 50, 60, 70, 80, 90, 100, 120, 150, 200, 300].entries()) {
      const file = join(bench.scratch(), `ran-${index}`);
      const ask = request(sh(`echo ran >> ${file}`), { id: `k${index}` });
      const first = ensureKeeper(bench.scratch(), bench.bundle(), ask).catch((error: unknown) => error);
      await sleep(delayMs);
      const marker = scratchMarker(bench.scratch());
      for (const target of createTracker({ marker, roots: [] }).scan().targets) {
        if (target.ppid === process.pid) sendSignal(target, 'SIGKILL');
      }
      await first;
      const exit = await (await start(ask.argv, ask)).waitForExit();
      const times = read(file).split('\n').length - 1;
      if (exit.stop === null) expect([times, exit.code]).toEqual([1, 0]);
      else expect([times <= 1, exit.stop.reason]).toEqual([true, 'keeper-lost']);
    }
  });

  it('a stop ends what is left, too', async () => {
    const keeper = await start(fixture('ignore-term.py'));
    await until(() => read(keeper.paths.stdout).includes('ready'));
    process.kill(await keeperPid(keeper), 'SIGKILL');
    await keeper.stop({ reason: 'cancelled', graceMs: 100 });
    expect(await keeper.waitForExit()).toMatchObject({ stop: { reason: 'keeper-lost', isForced: true } });
  });

  it('a process that got the pid of the child since then is left alone', async () => {
    const keeper = await start(['sleep', '600']);
    process.kill(await keeperPid(keeper), 'SIGKILL');
    await until(() => !isAlive(JSON.parse(readFileSync(keeper.paths.record, 'utf8')).keeper.pid));
    const stranger = spawn('sleep', ['600']);
    try {
      const record = JSON.parse(readFileSync(keeper.paths.record, 'utf8'));
      // As if the pid of the child had been given to another process after its end.
      const { pid } = identityOf(stranger.pid ?? 0) ?? { pid: 0 };
      const first = record.child.pid;
      writeFileSync(
        keeper.paths.record,
        JSON.stringify({ ...record, child: { pid, startTicks: record.child.startTicks } }),
      );
      await keeper.waitForExit();
      expect(isAlive(pid)).toBe(true);
      expect(isAlive(first)).toBe(false);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('a reboot since then leaves nothing to kill', async () => {
    const keeper = await start(['sleep', '600']);
    const status = await keeper.status();
    if (status.state !== 'running') throw new Error(status.state);
    await keeper.stop({ reason: 'before the reboot' });
    await keeper.waitForExit();
    await until(() => !isAlive(status.record.keeper.pid));
    const stranger = spawn('sleep', ['600']);
    try {
      const child = identityOf(stranger.pid ?? 0);
      const rebooted = { ...status.record, child, keeper: { ...status.record.keeper, bootId: 'an-earlier-boot' } };
      writeFileSync(keeper.paths.record, JSON.stringify(rebooted));
      rmSync(keeper.paths.exit);
      expect(await keeper.waitForExit()).toMatchObject({ code: null, stop: { reason: 'keeper-lost' } });
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});

describe('finding and removing', () => {
  it('lists, finds and removes what ended, and refuses while it runs', async () => {
    expect(listKeepers(bench.scratch())).toEqual([]);
    expect(findKeeper(bench.scratch(), 'one')).toBeNull();
    const keeper = await start(['sleep', '600']);
    await (await start(sh('true'), { id: 'two' })).waitForExit();
    expect(listKeepers(bench.scratch()).map((one) => one.id)).toEqual(['one', 'two']);
    expect(findKeeper(bench.scratch(), 'one')?.request()?.labels).toEqual({ run: 'r', stage: 's', host: 'h' });
    await expect(removeKeeper(bench.scratch(), 'one')).rejects.toMatchObject({
      facts: { code: 'keeper-still-running' },
    });
    await keeper.stop({ reason: 'cancelled' });
    await keeper.waitForExit();
    await removeKeeper(bench.scratch(), 'one');
    expect(listKeepers(bench.scratch()).map((one) => one.id)).toEqual(['two']);
  });

  it.each(['', 'A', '.hidden', '../up', 'a/b', 'a b', 'x'.repeat(122)])('refuses the id %j', async (id) => {
    expect(() => findKeeper(bench.scratch(), id)).toThrow(/keeper id .* is invalid/);
    await expect(start(['true'], { id })).rejects.toMatchObject({ facts: { code: 'keeper-request-invalid' } });
  });
});
