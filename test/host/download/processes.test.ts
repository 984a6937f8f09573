import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bringToCache, cacheKey } from '../../../src/host/download/cache.js';
import { identityOf, readMachineId } from '../../../src/host/processes/identity.js';
import { bundleFixture } from '../../support/bundle-fixture.js';
import {
  LIMITS,
  namesIn,
  randomBytes,
  remoteFile,
  scratchFolder,
  sha256,
  startServer,
  transferOptions,
} from './support.js';

const SIZE = 2_000_000;
const CONTENT = randomBytes(SIZE);
const KEY = `sha256-${sha256(CONTENT)}`;

// A process takes part of a second to start, and many times that on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

/** One file starts in half the time that its modules take. */
let bundles = '';
let program = '';
beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), 'temper-fetch-'));
  program = await bundleFixture(new URL('fixtures/fetch-child.ts', import.meta.url), bundles);
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Starts a fetch in a process of its own. `within` are programs that start it. */
function start(
  url: string,
  output: string,
  cache: string,
  within: readonly string[] = [],
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const [first, ...args] = [...within, process.execPath, program, url, output, cache, JSON.stringify(LIMITS)];
  const child = spawn(first, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
  const ended = once(child, 'close').then(([code]): Ended => ({
    code: typeof code === 'number' ? code : null,
    stderr,
  }));
  return { child, ended };
}

/** Numbers from 0 to 1 that are the same in every run. */
function* seeded(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield state / 2_147_483_648;
  }
}

describe('kill -9', () => {
  it('at many places of a download costs some of its bytes, never the file', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const output = join(cache, 'out', 'file.bin');
    const url = server.serve('/file.bin', CONTENT);
    server.fault = () => ({ kind: 'throttle', chunk: 16_384, delayMs: 1 });
    const random = seeded(7);
    let kills = 0;
    // Until one ends by itself: a kill may come after the file is in place and before its parts are cleared away.
    for (let tries = 0, isDone = false; !isDone; tries += 1) {
      expect(tries).toBeLessThan(40);
      const { child, ended } = start(url, output, cache);
      const killAt = server.sentBytes + random.next().value * 600_000;
      server.onSent = (sent) => {
        if (sent >= killAt && child.signalCode === null && child.kill('SIGKILL')) server.onSent = () => undefined;
      };
      const { code, stderr } = await ended;
      isDone = code !== null;
      if (isDone) expect([code, stderr]).toEqual([0, expect.any(String)]);
      else kills += 1;
      expect(existsSync(output) && !readFileSync(output).equals(CONTENT)).toBe(false);
    }
    expect(kills).toBeGreaterThan(3);
    expect(readFileSync(output).equals(CONTENT)).toBe(true);
    // Each kill costs what was under way or not yet in the journal: four connections and some buffers.
    expect(server.sentBytes).toBeLessThan(SIZE + kills * 500_000);
    expect(namesIn(cache).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('while everything is there and is hashed and put in place', async () => {
    const killAfter = async (delayMs: number): Promise<void> => {
      const server = await startServer();
      const url = server.serve('/file.bin', CONTENT);
      const cache = scratchFolder();
      const output = join(cache, 'out', 'file.bin');
      const { child, ended } = start(url, output, cache);
      const killAt = server.sentBytes + SIZE;
      server.onSent = (sent) => {
        if (sent >= killAt) setTimeout(() => child.kill('SIGKILL'), delayMs);
      };
      await ended;
      server.onSent = () => undefined;
      if (existsSync(output)) expect(readFileSync(output).equals(CONTENT)).toBe(true);
      const again = await start(url, output, cache).ended;
      expect(again).toMatchObject({ code: 0 });
      expect(readFileSync(output).equals(CONTENT)).toBe(true);
    };
    await Promise.all([0, 6, 20].map(killAfter));
  });
});

describe('two at once', () => {
  it('processes of one host: one downloads, both end right', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const url = server.serve('/file.bin', CONTENT);
    const file = remoteFile(url, CONTENT);
    const [one, two] = await Promise.all([
      bringToCache(cache, file, transferOptions()),
      bringToCache(cache, file, transferOptions()),
    ]);
    expect(one.cached).toBe(two.cached);
    expect(server.sentBytes).toBe(SIZE);
  });

  it('real processes without a known hash: both end right, one after the other', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const url = server.serve('/file.bin', CONTENT);
    const outputs = [join(cache, 'a'), join(cache, 'b')];
    const ends = await Promise.all(outputs.map(async (output) => start(url, output, cache).ended));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(outputs.every((output) => readFileSync(output).equals(CONTENT))).toBe(true);
    // The later one only asks whether the file is still the same.
    expect(server.sentBytes).toBeLessThan(SIZE + 10);
  });

  it('a dead one is taken over where it stood', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const url = server.serve('/file.bin', CONTENT);
    const first = start(url, join(cache, 'a'), cache);
    server.onSent = (sent) => {
      if (sent >= SIZE / 2) first.child.kill('SIGKILL');
    };
    server.fault = () => ({ kind: 'throttle', chunk: 16_384, delayMs: 1 });
    await first.ended;
    server.onSent = () => undefined;
    expect(namesIn(cache).some((name) => name.endsWith('.claim'))).toBe(true);
    expect((await start(url, join(cache, 'b'), cache).ended).code).toBe(0);
    expect(readFileSync(join(cache, 'b')).equals(CONTENT)).toBe(true);
    expect(server.sentBytes).toBeLessThan(SIZE * 1.4);
    expect(namesIn(cache).some((name) => name.endsWith('.claim'))).toBe(false);
  });

  /** A claim as a worker of another machine leaves it. */
  function claimElsewhere(cache: string): string {
    const claim = {
      ...{ v: 1, id: 'other', machine: 'f'.repeat(32), host: 'far', pidSpace: 'pid:[1]', pid: 1, startTicks: 1 },
      bootId: 'another boot',
    };
    const dir = join(cache, `${KEY}.claim`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'other.json'), JSON.stringify(claim));
    return join(dir, 'other.json');
  }

  it('another host that shows no life is left alone: its part is not touched, the file comes beside it', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const claim = claimElsewhere(cache);
    const part = join(cache, `${KEY}.part`);
    writeFileSync(part, 'of another host');
    const options = transferOptions();
    const { cached } = await bringToCache(cache, remoteFile(server.serve('/f', CONTENT), CONTENT), options);
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
    expect(readFileSync(part, 'utf8')).toBe('of another host');
    expect(existsSync(claim)).toBe(true);
    expect(options.notes.join()).toContain('shows no life');
  });

  it('another host that is at work is waited for, and its file is taken', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const claim = claimElsewhere(cache);
    const startedAt = performance.now();
    let beats = 0;
    const beat = setInterval(() => {
      utimesSync(claim, new Date(1e12 + beats * 1_000), new Date(1e12 + beats * 1_000));
      beats += 1;
      if (performance.now() - startedAt > LIMITS.claimSilenceMs * 3) {
        writeFileSync(join(cache, KEY), CONTENT);
        clearInterval(beat);
      }
    }, 50);
    const { cached } = await bringToCache(cache, remoteFile(server.serve('/f', CONTENT), CONTENT), transferOptions());
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
    expect(server.seen).toEqual([]);
  });

  it('a process of this host whose pid another one has now is dead', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const own = identityOf(process.pid);
    const dir = join(cache, `${KEY}.claim`);
    mkdirSync(dir);
    const claim = {
      ...{ v: 1, id: 'old', machine: readMachineId(), host: hostname(), pidSpace: readlinkSync('/proc/self/ns/pid') },
      ...{ pid: process.pid, startTicks: Number(own?.startTicks) - 1, bootId: own?.bootId },
    };
    writeFileSync(join(dir, 'old.json'), JSON.stringify(claim));
    await bringToCache(
      cache,
      remoteFile(server.serve('/f', CONTENT), CONTENT),
      transferOptions({ claimSilenceMs: 1e9 }),
    );
    expect(namesIn(cache)).toEqual([cacheKey(remoteFile('http://x/', CONTENT))]);
  });
});

describe('a full disk', () => {
  it('that is a limit of file sizes, whose signal kills, costs nothing of what came', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const output = join(cache, 'out');
    const url = server.serve('/file.bin', CONTENT);
    const limit = ['prlimit', '--fsize=1000000', '--'];
    expect((await start(url, output, cache, limit).ended).code).not.toBe(0);
    expect(existsSync(output)).toBe(false);
    const sent = server.sentBytes;
    expect((await start(url, output, cache).ended).code).toBe(0);
    expect(readFileSync(output).equals(CONTENT)).toBe(true);
    expect(server.sentBytes - sent).toBeLessThan(SIZE);
  });

  it.skipIf(process.getuid?.() !== 0)('that is really full leaves nothing half-accepted', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const url = server.serve('/file.bin', CONTENT);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', cache]);
    try {
      const { code, stderr } = await start(url, join(cache, 'out'), cache).ended;
      expect([code, stderr]).toEqual([1, expect.stringContaining('DiskTooSmall')]);
      expect(existsSync(join(cache, 'out'))).toBe(false);
      execFileSync('mount', ['-o', 'remount,size=5m', cache]);
      expect((await start(url, join(cache, 'out'), cache).ended).code).toBe(0);
      expect(readFileSync(join(cache, 'out')).equals(CONTENT)).toBe(true);
    } finally {
      execFileSync('umount', [cache]);
    }
  });
});
