import { existsSync, lstatSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ensureKeeper } from '../../../src/host/keeper/client.js';
import { readLog, tailLog } from '../../../src/host/processes/tail.js';
import { fixture, read, request, sh, until, useKeeperBench } from './helpers.js';

const bench = useKeeperBench();

async function run(...args: Parameters<typeof request>) {
  const keeper = await ensureKeeper(bench.scratch(), bench.bundle(), request(...args));
  return { keeper, exit: await keeper.waitForExit() };
}

describe('a kept command', () => {
  it.each([
    ['exit 0', { code: 0, signal: null }],
    ['exit 7', { code: 7, signal: null }],
    ['kill -SEGV $$', { code: null, signal: 'SIGSEGV' }],
    ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
  ])('%s is told as it was', async (line, expected) => {
    const { keeper, exit } = await run(sh(line));
    expect(exit).toMatchObject({ ...expected, id: 'one', stop: null, unkillable: [], spawnError: null });
    expect(Date.parse(exit.endedAt)).toBeGreaterThanOrEqual(Date.parse(exit.startedAt));
    expect(await keeper.status()).toEqual({ state: 'exited', exit });
  });

  it('runs in its own session, without input, in its folder, with the umask of the worker', async () => {
    const { keeper } = await run(sh('cat; pwd; umask; ps -o sid= -p $$; echo $$'), { cwd: '/usr' });
    const [folder, mask, session, pid] = read(keeper.paths.stdout).trim().split(/\s+/);
    expect(folder).toBe('/usr');
    expect(Number.parseInt(mask ?? '', 8)).toBe(process.umask());
    expect(session).toBe(pid);
  });

  it('is noticed to have ended long before the next poll', async () => {
    const keeper = await ensureKeeper(bench.scratch(), bench.bundle(), request(sh('sleep 0.5')));
    const exit = await keeper.waitForExit({ pollMs: 20_000 });
    expect(Date.now() - Date.parse(exit.endedAt)).toBeLessThan(5_000);
  });

  it('keeps its files private', async () => {
    const { keeper } = await run(sh('true'));
    const modes = [keeper.paths.dir, keeper.paths.exit, keeper.paths.record, keeper.paths.request, keeper.paths.stdout];
    expect(modes.map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(['700', '600', '600', '600', '600']);
  });

  it('sees secrets only where they are named, and their values are never on disk', async () => {
    const environment = {
      ...process.env,
      HF_TOKEN: 'hf-value',
      OTHER_TOKEN: 'other',
      TEMPORAL_API_KEY: 'key',
      PLAIN: 'p',
    };
    const keeper = await ensureKeeper(
      bench.scratch(),
      bench.bundle(),
      request(sh('echo "$PLAIN,$ADDED,${OTHER_TOKEN-none},${TEMPORAL_API_KEY-none},${#HF_TOKEN}"'), {
        secretEnv: ['HF_TOKEN'],
        env: { ADDED: 'a' },
      }),
      { environment },
    );
    expect(await keeper.waitForExit()).toMatchObject({ code: 0 });
    expect(read(keeper.paths.stdout)).toBe('p,a,none,none,8\n');
    for (const path of [keeper.paths.request, keeper.paths.record, keeper.paths.exit]) {
      expect(readFileSync(path, 'utf8')).not.toContain('hf-value');
    }
  });

  it('writes 50 MiB straight to its file, and the tail is read without loading it', async () => {
    const { keeper, exit } = await run(fixture('spew.cjs', '50'));
    expect(exit.code).toBe(0);
    expect(statSync(keeper.paths.stdout).size).toBe(50 * 1024 * 1024);
    const tail = await tailLog(keeper.paths.stdout, { maxBytes: 4_096, maxLines: 2 });
    expect(tail).toMatchObject({ endOffset: 50 * 1024 * 1024, isTruncated: true });
    expect(tail.lines).toEqual(['x'.repeat(1_023), 'x'.repeat(1_023)]);
    expect((await readLog(keeper.paths.stderr, 0)).lines).toEqual(Array.from({ length: 50 }, (_, mib) => String(mib)));
  });

  it.each([
    ['a missing program', ['no-such-program'], '/', 'ENOENT', /no-such-program was not found in PATH=/],
    ['a missing path', ['/no/such'], '/', 'ENOENT', /\/no\/such, or the interpreter/],
    ['a missing folder', ['true'], '/no/folder', 'ENOENT', /working folder \/no\/folder does not exist/],
    [
      'a file that is no program',
      [fileURLToPath(import.meta.url)],
      '/',
      'EACCES',
      /commands.test.ts is not executable/,
    ],
  ])('names %s', async (_, argv, cwd, code, message) => {
    const { exit } = await run(argv, { cwd });
    expect(exit).toMatchObject({
      code: null,
      signal: null,
      spawnError: { code, message: expect.stringMatching(message) },
    });
  });

  it('has the logs of its ranks linked under their global numbers', async () => {
    const dir = join(bench.scratch(), 'rank-logs');
    const keeper = await ensureKeeper(
      bench.scratch(),
      bench.bundle(),
      request(fixture('rank-logs.sh', dir), { rankLogs: { dir, baseRank: 16 } }),
    );
    const links = ['rank-0016.out', 'rank-0016.err', 'rank-0017.out', 'rank-0017.err'].map((name) =>
      join(keeper.paths.dir, name),
    );
    await until(() => links.every((link) => existsSync(link)), 'links while the command runs');
    writeFileSync(join(dir, 'go'), '');
    await keeper.waitForExit();
    expect(links.map((link) => lstatSync(link).isSymbolicLink())).toEqual([true, true, true, true]);
    expect(readlinkSync(links[3] ?? '')).toBe(join(dir, 'none_abc/attempt_0/1/stderr.log'));
    expect(links.map((link) => readFileSync(link, 'utf8'))).toEqual(['out0\n', 'err0\n', 'out1\n', 'err1\n']);
  });
});
