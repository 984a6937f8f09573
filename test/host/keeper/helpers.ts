import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { bundleKeeper } from '../../../scripts/bundle-keeper.js';
import type { KeeperHandle } from '../../../src/host/keeper/handle.js';
import { stopAll } from '../../../src/host/keeper/stop-all.js';
import { readProcess } from '../../../src/host/processes/proc.js';
import type { KeeperRequestInput } from '../../../src/schemas/keeper.js';

/** A scratch folder per test and a bundle per file; both are gone, and no process is left, after each. */
export interface KeeperBench {
  readonly scratch: () => string;
  readonly bundle: () => string;
}

/** Registers the hooks that make, sweep and remove a bench. */
export function useKeeperBench(): KeeperBench {
  let root = '';
  let scratch = '';
  let tests = 0;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'temper-keeper-'));
    await bundleKeeper(join(root, 'keeper.mjs'));
  });
  afterEach(async () => {
    const { unkillable } = await stopAll(scratch, { reason: 'end of test', graceMs: 0 });
    if (unkillable.length > 0) throw new Error(`left behind: ${unkillable.join(' ')}`);
    scratch = '';
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return {
    scratch: () => (scratch ||= join(root, `scratch-${(tests += 1)}`)),
    bundle: () => join(root, 'keeper.mjs'),
  };
}

/** A request for a command, with short times; `over` wins. */
export function request(argv: readonly string[], over: Partial<KeeperRequestInput> = {}): KeeperRequestInput {
  return {
    id: 'one',
    argv: [...argv],
    cwd: tmpdir(),
    labels: { run: 'r', stage: 's', host: 'h' },
    graceMs: 5_000,
    orphanTimeoutMs: 0,
    ...over,
  };
}

/** A shell line as argv. */
export function sh(line: string): readonly string[] {
  return ['/bin/sh', '-c', line];
}

const INTERPRETERS: Readonly<Record<string, string>> = { '.py': 'python3', '.sh': '/bin/sh' };

/** A fixture program of this folder as argv. */
export function fixture(name: string, ...args: readonly string[]): readonly string[] {
  const path = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
  return [INTERPRETERS[extname(name)] ?? process.execPath, path, ...args];
}

/** Waits until a condition yields something other than false or null. */
export async function until<T>(look: () => T | false | null, what = look.toString(), timeoutMs = 15_000): Promise<T> {
  for (const endsAt = performance.now() + timeoutMs; ;) {
    const found = look();
    if (found !== false && found !== null) return found;
    if (performance.now() > endsAt) throw new Error(`never happened: ${what}`);
    await sleep(10);
  }
}

/** The numbers that a program printed, one per line, once there are `count`. */
export function printedNumbers(path: string, count: number): Promise<readonly number[]> {
  return until(() => {
    const lines = read(path).split('\n').slice(0, -1);
    return lines.length >= count && lines.map(Number);
  }, `${count} lines in ${path}`);
}

/** A file's text, empty while it does not exist. */
export function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Process id of a keeper that runs. */
export async function keeperPid(keeper: KeeperHandle): Promise<number> {
  const status = await keeper.status();
  if (status.state !== 'running') throw new Error(`not running: ${status.state}`);
  return status.record.keeper.pid;
}

/** Whether a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  return readProcess(pid)?.isAlive ?? false;
}
