import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DevStateSchema } from '../../src/schemas/dev.js';
import type { DevState } from '../../src/schemas/dev.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** `temper dev` as a process, with its state in a folder of the test. */
export interface DevProcess {
  readonly child: ChildProcess;
  /** All that it has said so far. */
  said(): string;
  /** Exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts `temper dev` of the build in `dist`; `more`: variables of all that it starts. */
export function spawnDev(
  home: string,
  args: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): DevProcess {
  const venv = join(ROOT, '.temper/venv/bin');
  const env = {
    ...process.env,
    ...more,
    TEMPER_HOME: home,
    TEMPER_PYTHON: join(venv, 'python'),
    TEMPER_TEMPORAL_CLI: join(venv, 'temporal'),
  };
  const child = spawn(process.execPath, [join(ROOT, 'bin/temper.js'), 'dev', ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return {
    child,
    said: () => said,
    ended: new Promise((done) => child.once('close', (code, signal) => done(signal ?? code))),
  };
}

/** The state file of a dev, or null while there is none. */
export function devStateOf(home: string): DevState | null {
  try {
    return DevStateSchema.parse(JSON.parse(readFileSync(join(home, 'dev.json'), 'utf8')));
  } catch {
    return null;
  }
}
