import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ATTEMPT_RECORD } from '../../../src/domain/ids.js';
import { LOOK_ARGUMENT } from '../../../src/host/keeper/look.js';
import { listProcesses } from '../../../src/host/processes/proc.js';
import type { KeeperFence } from '../../../src/schemas/keeper.js';
import { read, until } from './helpers.js';

/** The folder of a run's attempts with that of attempt 1 and its record; answers the path of its fence. */
export function makeAttempts(dir: string): string {
  mkdirSync(join(dir, '0001'), { recursive: true });
  writeFileSync(join(dir, '0001', ATTEMPT_RECORD), '{}');
  return join(dir, 'fence');
}

/** Puts a fence into place as a whole, as a raise does. */
export function putFence(file: string, attempt: number, over: object = {}): void {
  const fence = { v: 1, run: 'r', attempt, lease: attempt, at: '2026-01-01T00:00:00.000Z', ...over };
  writeFileSync(`${file}.new`, JSON.stringify(fence));
  renameSync(`${file}.new`, file);
}

/** The fence of attempt 1, looked at often, with a timeout that no test reaches by accident. */
export function fenceOf(file: string, over: Partial<KeeperFence> = {}): KeeperFence {
  return { file, attempt: 1, lease: 1, everyMs: 50, timeoutMs: 60_000, ...over };
}

/** The process that looks at the workspace for a keeper, once there is one. */
export function lookerOf(keeperPid: number): Promise<number> {
  return until(() => lookersOf(keeperPid)[0] ?? null, `a looker of keeper ${keeperPid}`);
}

/** The living lookers of a keeper. */
export function lookersOf(keeperPid: number): readonly number[] {
  return listProcesses()
    .filter(
      ({ pid, ppid, isAlive }) => isAlive && ppid === keeperPid && read(`/proc/${pid}/cmdline`).includes(LOOK_ARGUMENT),
    )
    .map(({ pid }) => pid);
}

/** A file system that can be told to hang so that not even SIGKILL frees those who wait for it. */
export interface HungFileSystem {
  /** Path under which other processes see it. */
  readonly dir: string;
  hang(): void;
  /** Whether a process waits in it since then: one that does cannot be killed. */
  holds(pid: number): boolean;
  /** Ends it, which frees all who wait. */
  end(): Promise<void>;
}

/** Whether this machine lets the test mount one: root, and a kernel with FUSE. */
export function canHang(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return process.getuid?.() === 0 && readFileSync('/proc/filesystems', 'utf8').includes('\tfuse\n');
  } catch {
    return false;
  }
}

/** Mounts one in a namespace of its own, so that nothing else on this machine can get stuck in it. */
export async function mountHungFileSystem(dir: string): Promise<HungFileSystem> {
  const mountPoint = join(dir, 'mnt');
  mkdirSync(mountPoint, { recursive: true });
  const program = fileURLToPath(new URL('fixtures/hung-file-system.py', import.meta.url));
  const daemon = spawn('python3', [program, mountPoint, join(dir, 'hang')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
  await said(daemon);
  return {
    dir: `/proc/${daemon.pid}/root${mountPoint}`,
    hang: () => writeFileSync(join(dir, 'hang'), ''),
    holds: (pid) => read(join(dir, 'hang')).split('\n').includes(String(pid)),
    end: async () => {
      daemon.kill('SIGKILL');
      await gone;
    },
  };
}

function said({ stdout, pid }: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout?.once('data', () => resolve());
    stdout?.once('close', () => reject(new Error(`process ${pid} ended without a word`)));
  });
}
