import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ManagedSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Both streams are appended here. */
  readonly logFile: string;
}

/** A process that a test starts, kills and starts again; nothing else does. */
export class Managed {
  #spec: ManagedSpec;
  #child: ChildProcess | null = null;

  constructor(spec: ManagedSpec) {
    this.#spec = spec;
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.#child === null || hasEnded(this.#child) ? null : (this.#child.pid ?? null);
  }

  /** Starts it, or another program in its place. */
  start(spec: ManagedSpec = this.#spec): void {
    if (this.pid !== null) throw new Error(`${spec.command} runs already`);
    this.#spec = spec;
    const log = openSync(spec.logFile, 'a');
    this.#child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
  }

  /** Sends a signal that ends it, and returns when it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || hasEnded(child)) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** The end of its log, for messages. */
  tail(): string {
    try {
      return readFileSync(this.#spec.logFile, 'utf8').slice(-2_000);
    } catch {
      return '';
    }
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
