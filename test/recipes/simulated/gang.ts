import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { megatronLog } from '../../../src/recipes/megatron/log-dialect.js';
import type { IterationReading, LogEvent } from '../../../src/recipes/log-dialect.js';
import { freePort } from '../../support/ports.js';
import { expectNoLeftovers, findUsers, killUsers, type Leftover } from '../../support/sweep.js';

export const PROGRAMS = resolve(import.meta.dirname, '../../../src/recipes/simulated/programs');

const run = promisify(execFile);

/** Runs a program of the recipe to its end. */
export function program(name: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [join(PROGRAMS, name), ...args]);
}

/** A folder with a model, its converted weights and rows, and what trains in it. */
export interface Site {
  readonly dir: string;
  readonly hf: string;
  readonly dcp: string;
  readonly rows: string;
  /** Writes a faults file and answers its path. */
  faults(faults: readonly object[]): Promise<string>;
  /** Fails when a process of this folder is left, and removes the folder. */
  remove(): Promise<void>;
}

/** Makes a site with the recipe's own programs. */
export async function makeSite(): Promise<Site> {
  const dir = await mkdtemp(join(tmpdir(), 'temper-simulated-'));
  const [hf, dcp, data] = [join(dir, 'hf'), join(dir, 'dcp'), join(dir, 'data')];
  await program('make-weights.mjs', '--output', hf, '--seed', '1');
  await program('convert.mjs', 'hf-to-dcp', '--hf-dir', hf, '--save-dir', dcp);
  await program('make-data.mjs', '--output', data, '--seed', '7', '--rows', '200', '--heldout-rows', '20');
  let files = 0;
  return {
    dir,
    hf,
    dcp,
    rows: join(data, 'rows.json'),
    faults: async (faults) => {
      files += 1;
      const path = join(dir, `faults-${files}.json`);
      await writeFile(path, JSON.stringify({ v: 1, faults }));
      return path;
    },
    remove: async () => {
      try {
        await expectNoLeftovers(dir);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    },
  };
}

export interface GangOptions {
  /** Name of the gang's folder within the site; logs and checkpoints lie there. */
  readonly name: string;
  readonly nodes?: number;
  readonly ranksPerNode?: number;
  readonly iterations?: number;
  readonly every?: number;
  /** Folder to load from; the converted weights when not given. */
  readonly load?: string;
  /** Further arguments of the training program. */
  readonly args?: readonly string[];
  /** Further arguments of the launchers. */
  readonly launcher?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Nodes to start; all when not given. */
  readonly only?: readonly number[];
  readonly port?: number;
}

/** A gang of launchers and ranks as real processes. */
export interface Gang {
  readonly dir: string;
  readonly save: string;
  readonly launchers: readonly ChildProcess[];
  /** Exit statuses of the launchers, or the signals that ended them, once all are gone. */
  readonly ended: Promise<readonly (number | NodeJS.Signals | null)[]>;
  /** What a launcher said on stderr so far. */
  launcherErr(node: number): string;
  /** Text of a rank's log; empty while there is none. */
  log(rank: number, stream: 'out' | 'err'): Promise<string>;
  /** What the dialect reads in a rank's log. */
  events(rank: number): Promise<readonly LogEvent[]>;
  /** The iteration lines, from the last rank. */
  iterations(): Promise<readonly IterationReading[]>;
  /** The rank's process. */
  rankProcess(rank: number): Leftover;
  /** SIGKILL to every launcher and rank. */
  killAll(): Promise<void>;
}

/** Starts a gang in a site. */
export async function startGang(site: Site, options: GangOptions): Promise<Gang> {
  const { nodes = 2, ranksPerNode = 2, iterations = 40, every = 10, launcher = [], args = [] } = options;
  const dir = join(site.dir, options.name);
  const save = join(dir, 'ckpt');
  const port = options.port ?? (await freePort());
  const said = new Map<number, string>();
  const started = options.only ?? Array.from({ length: nodes }, (_, node) => node);
  const launchers = started.map((node) => {
    const argv = [
      ...[join(PROGRAMS, 'launch.mjs'), '--nnodes', String(nodes), '--nproc_per_node', String(ranksPerNode)],
      ...['--node_rank', String(node), '--master_addr', '127.0.0.1', '--master_port', String(port)],
      ...['--redirects', '3', '--log-dir', join(dir, `logs-${node}`), ...launcher, join(PROGRAMS, 'rank.mjs')],
      ...['--data', site.rows, '--load', options.load ?? site.dcp, '--save', save, '--save-interval', String(every)],
      ...['--train-iters', String(iterations), '--micro-batch-size', '4', '--lr', '2e-3', '--step-ms', '1', ...args],
    ];
    const env = { PATH: process.env['PATH'] ?? '', SITE: site.dir, ...options.env };
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (chunk: Buffer) => said.set(node, (said.get(node) ?? '') + chunk.toString()));
    return child;
  });
  const ended = Promise.all(
    launchers.map(async (child) => {
      const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      return signal ?? code;
    }),
  );
  const log = (rank: number, stream: 'out' | 'err'): Promise<string> => readRankLog(dir, rank, ranksPerNode, stream);
  const events = async (rank: number): Promise<LogEvent[]> => {
    const lines = (await log(rank, 'out')).split('\n');
    return lines.flatMap((line) => megatronLog.read(line));
  };
  return {
    dir,
    save,
    launchers,
    ended,
    launcherErr: (node) => said.get(node) ?? '',
    log,
    events,
    iterations: async () => (await events(nodes * ranksPerNode - 1)).filter((event) => event.kind === 'iteration'),
    rankProcess: (rank) => findRank(dir, rank),
    killAll: async () => {
      await killUsers(dir);
      await ended;
    },
  };
}

/** Waits for a condition to give a value; fails with what it was after `limitMs`. */
export async function waitFor<T>(what: string, look: () => Promise<T | null>, limitMs = 20_000): Promise<T> {
  const until = performance.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    if (performance.now() > until) throw new Error(`waited ${limitMs} ms for ${what}`);
    await sleep(10);
  }
}

/** Waits until the last rank has told an iteration. */
export function reached(gang: Gang, iteration: number): Promise<true> {
  return waitFor(`iteration ${iteration}`, async () => {
    const last = (await gang.iterations()).at(-1);
    return last !== undefined && last.iteration >= iteration ? true : null;
  });
}

/** The newest run of the launcher's log folder, as torchrun lays it out. */
async function readRankLog(dir: string, rank: number, ranksPerNode: number, stream: string): Promise<string> {
  const root = join(dir, `logs-${Math.floor(rank / ranksPerNode)}`);
  const [name] = await readdir(root).catch(() => []);
  if (name === undefined) return '';
  const file = join(root, name, 'attempt_0', String(rank % ranksPerNode), `std${stream}.log`);
  return readFile(file, 'latin1').catch(() => '');
}

function findRank(dir: string, rank: number): Leftover {
  const found = findUsers(dir).find(
    ({ pid, command }) =>
      command.includes('rank.mjs --data') &&
      !command.includes('launch.mjs') &&
      environment(pid).includes(`\0RANK=${rank}\0`),
  );
  if (found === undefined) throw new Error(`rank ${rank} of ${dir} is not running`);
  return found;
}

function environment(pid: number): string {
  return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
}
