import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeeperFence } from '../../schemas/keeper.js';
import { errorText } from '../../domain/text/error-text.js';
import { LOOK_ARGUMENT } from './look.js';
import type { Look } from './look.js';

/** Looks at the workspace on behalf of a keeper. */
export interface Looker {
  /** One look; settles late or never where the workspace hangs. To be called again only after it settled. */
  look(): Promise<Look>;
  /** Ends the looker and waits a moment for it; one that hangs in the kernel is left behind. */
  close(): Promise<void>;
}

/** A killed process is gone within milliseconds, or it hangs in the kernel. */
const CLOSE_PATIENCE_MS = 1_000;

/**
 * A process of its own for looks at the workspace, so that no system call of the keeper ever touches it. A read that
 * hangs in a thread of the keeper would block its `process.exit`, and in uninterruptible sleep (hard mounts, FUSE,
 * device drivers) it would outlive SIGKILL and keep the keeper's lock and sockets with it.
 *
 * One process for all looks, started while the workspace was healthy: a program may itself lie on the file system that
 * hangs, and starting it then would block the keeper. A look that hangs is waited for, never repeated beside, so at
 * most one operation is outstanding.
 * @param program the keeper program, on a local disk
 */
export function startLooker(program: string, { file, attempt }: Pick<KeeperFence, 'file' | 'attempt'>): Looker {
  let running: RunningLooker | null = null;
  const ready = (): RunningLooker => {
    // Ended by somebody else, such as the system short of memory.
    if (running === null || running.hasEnded()) running = launch(program, file, attempt);
    return running;
  };
  ready();
  return {
    look: () => ready().look(),
    close: async () => running?.close(),
  };
}

interface RunningLooker extends Looker {
  hasEnded(): boolean;
}

function launch(program: string, file: string, attempt: number): RunningLooker {
  const child = spawn(process.execPath, [program, LOOK_ARGUMENT, file, String(attempt)], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let received = '';
  let hasEnded = false;
  let settle: (look: Look) => void = () => undefined;
  const gone = endOf(child).then((why) => {
    hasEnded = true;
    settle({ kind: 'unreadable', why });
  });
  // Its end is told by the process itself.
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    received += chunk;
    if (!received.endsWith('\n')) return;
    const answer = received;
    received = '';
    settle(parseLook(answer));
  });
  return {
    hasEnded: () => hasEnded,
    look: () =>
      new Promise((resolve) => {
        settle = resolve;
        child.stdin.write('\n');
      }),
    close: async () => {
      // Its own end is no answer to a look that was under way.
      settle = () => undefined;
      child.kill('SIGKILL');
      await Promise.race([gone, sleep(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
    },
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`the looker could not be started: ${errorText(error)}`));
    child.once('exit', (code, signal) => resolve(`the looker ended with ${signal ?? `status ${code}`}`));
  });
}

/** Both ends are the same program. */
function parseLook(line: string): Look {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null && 'kind' in value) {
    if (value.kind === 'read' && 'attempt' in value) {
      return { kind: 'read', attempt: typeof value.attempt === 'number' ? value.attempt : null };
    }
    if (value.kind === 'unreadable' && 'why' in value) return { kind: 'unreadable', why: String(value.why) };
  }
  return { kind: 'unreadable', why: `the looker said ${line.trim()}` };
}
