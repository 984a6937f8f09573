import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProcess } from '../../../src/host/processes/proc.js';
import { freePort } from '../../support/ports.js';
import { makeSite, program, reached, startGang, waitFor, type Site } from './gang.js';

let site: Site;

beforeAll(async () => {
  site = await makeSite();
});
afterAll(() => site.remove());

/** Long enough that a gang is still at work when a test acts on it. */
const LONG = { iterations: 100_000, every: 50_000 };

describe('launch.mjs', () => {
  test('gives each rank a session of its own and what torchrun tells its ranks', async () => {
    const gang = await startGang(site, { name: 'sessions', ...LONG });
    await reached(gang, 1);
    for (const rank of [0, 1, 2, 3]) {
      const { pid, ppid, session } = gang.rankProcess(rank);
      expect(session).toBe(pid);
      expect(ppid).toBe(gang.launchers[Math.floor(rank / 2)]?.pid);
      const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
      const told = [
        `RANK=${rank}`,
        `LOCAL_RANK=${rank % 2}`,
        `GROUP_RANK=${Math.floor(rank / 2)}`,
        'WORLD_SIZE=4',
        'LOCAL_WORLD_SIZE=2',
      ];
      expect(environment).toEqual(expect.arrayContaining(told));
    }
    await gang.killAll();
  });

  test('stops its ranks on SIGTERM and ends with status 1; the other node notices through the collective', async () => {
    const gang = await startGang(site, { name: 'term', ...LONG });
    await reached(gang, 1);
    const pids = [0, 1].map((rank) => gang.rankProcess(rank).pid);
    gang.launchers[0]?.kill('SIGTERM');
    expect(await gang.ended).toEqual([1, 1]);
    expect(gang.launcherErr(0)).toMatch(
      /Received Signals\.SIGTERM death signal[^]*SignalException: Process \d+ got signal: SIGTERM/,
    );
    for (const pid of pids) expect(readProcess(pid)).toBeNull();
    expect(await gang.log(3, 'err')).toContain('Connection closed by peer');
  });

  test('killed by SIGKILL, leaves its ranks at work, as torchrun does', async () => {
    const gang = await startGang(site, { name: 'orphans', iterations: 400, every: 400 });
    await reached(gang, 1);
    gang.launchers[1]?.kill('SIGKILL');
    await waitFor('the end of the training', async () =>
      (await gang.events(0)).at(-1)?.kind === 'ended' ? true : null,
    );
    expect(await gang.iterations()).toHaveLength(400);
    await gang.killAll();
    expect(await gang.ended).toEqual(['SIGKILL', 'SIGKILL']);
  });

  test('waits for nodes that come later', async () => {
    const port = await freePort();
    const options = { name: 'late', iterations: 5, port };
    const second = await startGang(site, { ...options, only: [1] });
    const first = await startGang(site, { ...options, only: [0] });
    expect(await first.ended).toEqual([0]);
    expect(await second.ended).toEqual([0]);
  });

  test('gives up when node 0 does not come', async () => {
    const alone = await startGang(site, { name: 'alone', only: [1], launcher: ['--rendezvous-timeout-ms', '200'] });
    expect(await alone.ended).toEqual([1]);
    expect(alone.launcherErr(1)).toMatch(
      /DistNetworkError: The client socket has timed out after 200ms while trying to connect to \(127\.0\.0\.1, \d+\)\./,
    );
  });

  test('tells a master port that is really taken', async () => {
    const port = await freePort();
    const holder = await startGang(site, { name: 'holder', only: [0], port });
    await waitFor('the store', async () => ((await probe(port)) ? true : null));
    const other = await startGang(site, { name: 'other', only: [0], port });
    expect(await other.ended).toEqual([1]);
    expect(other.launcherErr(0)).toContain('name: EADDRINUSE, message: address already in use');
    await holder.killAll();
  });

  test.each([
    ['no program', ['--nnodes', '1', '--nproc_per_node', '1', '--log-dir', 'logs'], /required: training_script/],
    ['no log folder', ['--nnodes', '1', '--nproc_per_node', '1', 'rank.mjs'], /required: --log-dir/],
    [
      'an unknown argument',
      ['--nnodes', '1', '--nproc_per_node', '1', '--log-dir', 'logs', '--max-restarts', '3', 'rank.mjs'],
      /unrecognized arguments: --max-restarts/,
    ],
    [
      'a word for a number',
      ['--nnodes', 'two', '--nproc_per_node', '1', '--log-dir', 'logs', 'rank.mjs'],
      /--nnodes: invalid number value: 'two'/,
    ],
    [
      'logs that are not redirected',
      ['--nnodes', '1', '--nproc_per_node', '1', '--log-dir', 'logs', '--redirects', '1', 'rank.mjs'],
      /only 3/,
    ],
  ])('refuses %s with status 2', async (_, args, message) => {
    const failure: unknown = await program('launch.mjs', ...args).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  test('gives the rest of the line to the program, which refuses what it does not know', async () => {
    const gang = await startGang(site, {
      name: 'unknown',
      nodes: 1,
      ranksPerNode: 1,
      args: ['--no-such-argument', 'x'],
    });
    expect(await gang.ended).toEqual([1]);
    expect(await gang.log(0, 'err')).toContain('error: rank.mjs: unrecognized arguments: --no-such-argument x');
  });
});

/** Whether somebody listens. */
function probe(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
