import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureKeeper } from '../../../src/host/keeper/client.js';
import { stopAll } from '../../../src/host/keeper/stop-all.js';
import { watchEnd } from '../../../src/host/keeper/talk.js';
import { fixture, isAlive, printedNumbers, read, request, sh, until, useKeeperBench } from './helpers.js';

const bench = useKeeperBench();

async function start(...args: Parameters<typeof request>) {
  return ensureKeeper(bench.scratch(), bench.bundle(), request(...args));
}

async function recordOf(keeper: Awaited<ReturnType<typeof start>>) {
  const status = await keeper.status();
  if (status.state !== 'running') throw new Error(`not running: ${status.state}`);
  return status.record;
}

/** Sends raw text and collects what comes back until `lines` lines came or the keeper hangs up. */
function say(socketPath: string, text: string, lines: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let received = '';
    const done = () => {
      socket.destroy();
      resolve(received.split('\n').slice(0, -1));
    };
    socket.on('data', (chunk) => {
      received += chunk.toString();
      if (received.split('\n').length > lines) done();
    });
    socket.on('close', done);
    socket.on('error', done);
    socket.write(text);
  });
}

describe('the socket', () => {
  it('is private and answers garbage with an error, and the command goes on', async () => {
    const keeper = await start(['sleep', '600']);
    const { socketPath } = await recordOf(keeper);
    expect((statSync(socketPath).mode & 0o777).toString(8)).toBe('600');
    const garbage: readonly (readonly [string, RegExp])[] = [
      ['hello', /not JSON/],
      ['null', /not an object/],
      ['[1]', /not an object/],
      ['{"op":"status"}', /not an object with/],
      ['{"v":2,"op":"status"}', /protocol version 2/],
      ['{"v":1,"op":"launch"}', /unknown op/],
      ['{"v":1,"op":"stop"}', /needs "reason"/],
      ['{"v":1,"op":"stop","reason":"x","graceMs":-1}', /graceMs/],
      ['{"v":1,"op":"stop","reason":"x","graceMs":"1"}', /graceMs/],
      ['\u0000\u0001', /not JSON/],
    ];
    const answers = await say(socketPath, garbage.map(([line]) => `${line}\n`).join(''), garbage.length);
    expect(answers).toHaveLength(garbage.length);
    for (const [index, [, error]] of garbage.entries()) {
      expect(JSON.parse(answers[index] ?? '')).toMatchObject({ v: 1, ok: false, error: expect.stringMatching(error) });
    }
    const [endless = ''] = await say(socketPath, 'x'.repeat(200_000), 1);
    expect(JSON.parse(endless)).toMatchObject({ ok: false, error: expect.stringMatching(/longer than/) });
    const [pong = ''] = await say(socketPath, '{"v":1,"op":"ping","later":true}\n', 1);
    expect(JSON.parse(pong)).toMatchObject({ ok: true, record: { id: 'one', state: 'running' }, exit: null });
    expect(await keeper.status()).toMatchObject({ state: 'running', stop: null });
  });

  it('survives more clients than it serves', async () => {
    const keeper = await start(['sleep', '600']);
    const { socketPath } = await recordOf(keeper);
    const crowd = Array.from({ length: 100 }, () => watchEnd(socketPath));
    await Promise.race(crowd.map((one) => one.ended));
    for (const one of crowd) one.cancel();
    await keeper.stop({ reason: 'enough' });
    expect(await keeper.waitForExit()).toMatchObject({ stop: { reason: 'enough' } });
  });

  it('moves to a short path when scratch lies deep', async () => {
    const deep = join(bench.scratch(), 'd'.repeat(90), 'e'.repeat(90));
    const keeper = await ensureKeeper(deep, bench.bundle(), request(['sleep', '600']));
    const { socketPath } = await recordOf(keeper);
    expect(Buffer.byteLength(socketPath)).toBeLessThan(108);
    expect(socketPath.startsWith(deep)).toBe(false);
    expect((statSync(join(socketPath, '..')).mode & 0o777).toString(8)).toBe('700');
    expect(await stopAll(deep, { reason: 'cancelled' })).toEqual({ stopped: ['one'], strays: 0, unkillable: [] });
    await until(() => !existsSync(socketPath));
  });
});

describe('a disk that fails', () => {
  it('is named when the folder cannot be made', async () => {
    mkdirSync(bench.scratch(), { recursive: true });
    const file = join(bench.scratch(), 'file');
    writeFileSync(file, '');
    await expect(ensureKeeper(file, bench.bundle(), request(['true']))).rejects.toMatchObject({
      message: expect.stringMatching(
        /keeper folder cannot be written \(.*file\/keepers\/one\): ENOTDIR.* Fix: make scratch/,
      ),
      facts: { code: 'keeper-folder-unusable', isRetryable: true },
    });
  });

  it('is named when the keeper cannot write its record, and nothing was started', async () => {
    const dir = join(bench.scratch(), 'keepers', 'one');
    const ran = join(bench.scratch(), 'ran');
    mkdirSync(join(dir, 'talk.sock', 'in-the-way'), { recursive: true });
    await expect(start(sh(`touch ${ran}`))).rejects.toMatchObject({
      message: expect.stringMatching(/keeper did not start .*talk\.sock/),
      facts: { code: 'keeper-start-failed' },
    });
    expect(existsSync(ran)).toBe(false);
    rmSync(join(dir, 'talk.sock'), { recursive: true });
    expect(await (await start(sh('exit 2'))).waitForExit()).toMatchObject({ code: 2 });
  });

  it('does not lose an exit that cannot be written at once', async () => {
    const go = join(bench.scratch(), 'go');
    const keeper = await start(sh(`while ! test -e ${go}; do sleep 0.05; done; exit 3`));
    const inTheWay = `${keeper.paths.exit}.tmp-${(await recordOf(keeper)).keeper.pid}`;
    mkdirSync(inTheWay);
    writeFileSync(go, '');
    expect(await keeper.waitForExit()).toMatchObject({ code: 3 });
    expect(existsSync(keeper.paths.exit)).toBe(false);
    rmSync(inTheWay, { recursive: true });
    await until(() => existsSync(keeper.paths.exit), 'exit.json once the disk works again');
    expect(JSON.parse(readFileSync(keeper.paths.exit, 'utf8'))).toMatchObject({ code: 3 });
    expect(read(keeper.paths.log)).toMatch(/exit\.json cannot be written/);
  });

  it('is a spawn error when the log files cannot be made', async () => {
    mkdirSync(join(bench.scratch(), 'keepers', 'one', 'stdout.log'), { recursive: true });
    const exit = await (await start(['true'])).waitForExit();
    expect(exit.spawnError).toMatchObject({ code: 'EISDIR', message: expect.stringMatching(/stdout\.log/) });
  });

  it('names a missing bundle and a newer format', async () => {
    await expect(ensureKeeper(bench.scratch(), '/no/keeper.mjs', request(['true']))).rejects.toMatchObject({
      facts: { code: 'keeper-bundle-missing' },
    });
    const keeper = await start(['true']);
    const exit = await keeper.waitForExit();
    writeFileSync(keeper.paths.exit, JSON.stringify({ ...exit, v: 2 }));
    await expect(keeper.status()).rejects.toThrow(/Format 2 is newer than 1/);
    writeFileSync(keeper.paths.exit, JSON.stringify({ ...exit, addedLater: true }));
    expect(await keeper.status()).toEqual({ state: 'exited', exit });
  });
});

describe('a keeper that hangs', () => {
  it('is killed by a stop, and its command swept', async () => {
    const keeper = await start(fixture('ranks.py', '2', 'wait'));
    const ranks = await printedNumbers(keeper.paths.stdout, 2);
    const { keeper: process_ } = await recordOf(keeper);
    process.kill(process_.pid, 'SIGSTOP');
    await keeper.stop({ reason: 'cancelled', patienceMs: 0 });
    expect(await keeper.waitForExit()).toMatchObject({ code: null, stop: { reason: 'keeper-lost' } });
    expect([...ranks, process_.pid].filter(isAlive)).toEqual([]);
  });
});

describe('stopAll', () => {
  it('ends running commands, lost ones, and strays of a removed folder', async () => {
    const running = await start(['sleep', '600'], { id: 'running' });
    const lost = await start(fixture('ranks.py', '1', 'wait'), { id: 'lost' });
    const strays = await start(fixture('ranks.py', '2', 'wait'), { id: 'stray' });
    await (await start(['true'], { id: 'ended' })).waitForExit();
    const [lostRank = 0] = await printedNumbers(lost.paths.stdout, 1);
    const strayRanks = await printedNumbers(strays.paths.stdout, 2);
    process.kill((await recordOf(lost)).keeper.pid, 'SIGKILL');
    const strayKeeper = (await recordOf(strays)).keeper.pid;
    process.kill(strayKeeper, 'SIGKILL');
    await until(() => !isAlive(strayKeeper));
    rmSync(strays.paths.dir, { recursive: true });

    const result = await stopAll(bench.scratch(), { reason: 'Ctrl-C' });
    expect(result).toEqual({ stopped: ['lost', 'running'], strays: 3, unkillable: [] });
    expect(await running.waitForExit()).toMatchObject({ stop: { reason: 'Ctrl-C' } });
    expect([lostRank, ...strayRanks].filter(isAlive)).toEqual([]);
    expect(await stopAll(bench.scratch(), { reason: 'again' })).toEqual({ stopped: [], strays: 0, unkillable: [] });
  });
});
