import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readProcess } from '../../host/processes/proc.js';
import type { ProcessKey } from '../../host/processes/identity.js';
import { endProcesses } from './end-processes.js';
import { LOG_LIMIT, rotateLog } from './rotate-log.js';
import type { LogLimit } from './rotate-log.js';

/** A process that `temper dev` keeps alive. */
export interface ServiceSpec {
  /** server, control or host:<name>. */
  readonly role: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Appended to; stderr goes here, stdout too unless it is banner text. */
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
/** How often the size of the log is looked at. */
const LOG_LOOK_MS = 10_000;

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
  let isRotating = true;

  const rotate = (): void => {
    try {
      rotateLog(spec.logFile, current, spec.logLimit ?? LOG_LIMIT);
      isRotating = true;
    } catch (error) {
      // A full disk keeps the log from growing as well; it is told once, and tried again.
      if (isRotating) tell(`the log ${spec.logFile} is not kept small: ${String(error)}`);
      isRotating = false;
    }
  };
  const launch = (): void => {
    timer = null;
    const startedAt = performance.now();
    const child = spawnDetached(spec);
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
  rotate();
  const looking = setInterval(rotate, LOG_LOOK_MS);
  return {
    role: spec.role,
    current: () => current,
    lastEnd: () => lastEnd,
    stop: async (graceEndsAt) => {
      isStopping = true;
      if (timer !== null) clearTimeout(timer);
      clearInterval(looking);
      return current === null ? [] : endProcesses([current], graceEndsAt);
    },
  };
}

/** Its own session, so that Ctrl-C on the terminal reaches only `temper dev`, which then decides the order. */
function spawnDetached({ command, args, cwd, env, logFile, isStdoutLogged }: ServiceSpec): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  try {
    return spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', isStdoutLogged ? log : 'ignore', log] });
  } finally {
    closeSync(log);
  }
}
