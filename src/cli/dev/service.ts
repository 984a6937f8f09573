import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../config.js';
import { readProcess } from '../../host/processes/proc.js';
import type { ProcessKey } from '../../host/processes/identity.js';
import { endProcesses } from './end-processes.js';
import type { LogLimit } from './rotating-log.js';

/** A process that `temper dev` keeps alive. */
export interface ServiceSpec {
  /** server, control or host:<name>. */
  readonly role: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Lines of our logger; stderr goes here, stdout too unless it is banner text. */
  readonly logFile: string;
  readonly isStdoutLogged: boolean;
  /** How much of the log is kept; the usual when left out. */
  readonly logLimit?: LogLimit;
}

/** A kept process: started again, later and later, whenever it ends by itself. */
export interface Service {
  readonly role: string;
  /** The process that runs now, or null between two of them. */
  current(): ProcessKey | null;
  /** How it last ended by itself, or null. */
  lastEnd(): string | null;
  /** Ends it for good: TERM, grace, KILL. Answers the pids that survived. */
  stop(graceEndsAt: () => number): Promise<readonly number[]>;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** A process that lived this long was fine: the next end is a new incident, answered quickly. */
const FINE_AFTER_MS = 10_000;
const LOG_LIMIT: LogLimit = { maxBytes: 10_000_000, keep: 3 };
/** Writing the last lines of a service that has ended takes milliseconds. */
const LAST_LINES_MS = 5_000;

/** How a service tells what happens to it. */
export interface ServiceListener {
  /** After each start and end, so that the pids on disk are those that run. */
  readonly onChange: () => void;
  /** One sentence for the person, when something unexpected happened. */
  readonly tell: (text: string) => void;
}

/** Starts a service. */
export function startService(spec: ServiceSpec, { onChange, tell }: ServiceListener): Service {
  let current: ProcessKey | null = null;
  let lastEnd: string | null = null;
  let isStopping = false;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | null = null;
  let writer: ChildProcess | null = null;

  const launch = (): void => {
    timer = null;
    const startedAt = performance.now();
    const started = spawnLogged(spec);
    const { child } = started;
    writer = started.writer;
    // Without its log a service ends as well, at its next line, and both are started again.
    writer.once('error', (error) => tell(`the log of ${spec.role} cannot be written: ${error.message}`));
    const found = child.pid === undefined ? null : readProcess(child.pid);
    current = found === null ? null : { pid: found.pid, startTicks: found.startTicks };
    let isOver = false;
    const ended = (how: string): void => {
      // A failed spawn tells "error" alone, a failed kill later both.
      if (isOver) return;
      isOver = true;
      current = null;
      lastEnd = how;
      if (!isStopping) {
        pauseMs =
          performance.now() - startedAt >= FINE_AFTER_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        tell(`${spec.role} ended (${how}) and is started again in ${pauseMs / 1000} s; its log is ${spec.logFile}`);
        timer = setTimeout(launch, pauseMs);
      }
      onChange();
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit status ${code}`));
    onChange();
  };
  launch();
  return {
    role: spec.role,
    current: () => current,
    lastEnd: () => lastEnd,
    stop: async (graceEndsAt) => {
      isStopping = true;
      if (timer !== null) clearTimeout(timer);
      const stuck = current === null ? [] : await endProcesses([current], graceEndsAt);
      if (writer !== null && stuck.length === 0) await lastLines(writer);
      return stuck;
    },
  };
}

interface Logged {
  readonly child: ChildProcess;
  readonly writer: ChildProcess;
}

/**
 * Starts the program and the one that writes its log (`write-log.ts`), which ends with it. Both in sessions of their
 * own, so that Ctrl-C on the terminal reaches only `temper dev`, which then decides the order.
 */
function spawnLogged({
  role,
  command,
  args,
  cwd,
  env,
  logFile,
  isStdoutLogged,
  logLimit = LOG_LIMIT,
}: ServiceSpec): Logged {
  const words = [logFile, role, String(logLimit.maxBytes), String(logLimit.keep)];
  const program = join(readConfig().root, 'dist/cli/dev/write-log.js');
  const common = { cwd, env, detached: true };
  const writer = spawn(process.execPath, [program, ...words], { ...common, stdio: ['pipe', 'ignore', 'ignore'] });
  const log = writer.stdin;
  try {
    return {
      writer,
      child: spawn(command, args, { ...common, stdio: ['ignore', isStdoutLogged ? log : 'ignore', log] }),
    };
  } finally {
    // The service alone holds this end now: it lives on when we are killed, and the writer ends with it.
    log.destroy();
  }
}

/** A child of the service that outlived it may hold its log open: that is not waited for. */
async function lastLines(writer: ChildProcess): Promise<void> {
  if (writer.pid === undefined || writer.exitCode !== null || writer.signalCode !== null) return;
  const limit = new AbortController();
  const exit = once(writer, 'exit', { signal: limit.signal }).then(
    () => true,
    () => false,
  );
  const isOver = await Promise.race([exit, sleep(LAST_LINES_MS, false, { signal: limit.signal }).catch(() => false)]);
  limit.abort();
  if (!isOver) writer.kill('SIGKILL');
}
