import { readBootId } from '../processes/identity.js';
import { readProcess } from '../processes/proc.js';
import { sweep } from '../processes/sweep.js';
import { createTracker } from '../processes/tracker.js';
import type { ProcessTracker } from '../processes/tracker.js';
import type { KeeperExit, KeeperRecord, KeeperStop } from '../../schemas/keeper.js';
import { writeJsonSync } from './atomic-write.js';
import { keeperMarker } from './environment.js';
import type { KeeperPaths } from './paths.js';
import type { CommandRequest } from './request-file.js';
import { spawnCommand } from './spawn-command.js';
import type { CommandEnd } from './spawn-command.js';

/** A wish to end the command, from whoever watches over it. */
export interface StopRequest {
  readonly requestedBy: KeeperStop['requestedBy'];
  readonly reason: string;
  /** Time between TERM and KILL, ms; the request's own grace when left out. */
  readonly graceMs?: number;
}

/** Patience for what a command leaves behind when it ends by itself; its work is done, so nothing is saved by more. */
const LEFTOVER_GRACE_MS = 2_000;
/** After the proof that a process is gone, its exit status is one turn of the event loop away. */
const REAP_PATIENCE_MS = 5_000;

/** The one command of a keeper: its start, its stop, its proven end. */
export class KeptCommand {
  readonly request: CommandRequest;
  readonly paths: KeeperPaths;
  /** Settles when no process of the command is left, or only unkillable ones; rejects when /proc cannot be read. */
  readonly ended: Promise<KeeperExit>;
  readonly #startedAt = new Date().toISOString();
  readonly #socketPath: string;
  readonly #stopWish = deferred<void>();
  readonly #end = deferred<KeeperExit>();
  #tracker: ProcessTracker | null = null;
  #child: KeeperRecord['child'] = null;
  #state: KeeperRecord['state'] = 'launching';
  #stop: KeeperStop | null = null;
  #toldExit: KeeperExit | null = null;
  #graceEndsAt = Number.POSITIVE_INFINITY;
  #isOver = false;
  #contactAt = performance.now();

  constructor(request: CommandRequest, paths: KeeperPaths, socketPath: string) {
    this.request = request;
    this.paths = paths;
    this.#socketPath = socketPath;
    this.ended = this.#end.promise;
  }

  /** Starts the command. The record is on disk before, so that after a crash nobody starts it a second time. */
  start(umask: number): void {
    writeJsonSync(this.paths.record, this.record(), true);
    const spawned = spawnCommand(this.request, this.paths, umask);
    const found = spawned.pid === undefined ? null : readProcess(spawned.pid);
    if (found !== null) {
      this.#child = { pid: found.pid, startTicks: found.startTicks };
      this.#tracker = createTracker({
        marker: keeperMarker(this.paths.dir),
        roots: [this.#child],
        sinceTicks: found.startTicks,
      });
    }
    if (this.#state === 'launching') this.#state = 'running';
    this.#supervise(spawned.end).catch(this.#end.reject);
  }

  /**
   * Ends the command: the one way for clients, timers and signals, and for a watcher of fences. The first reason is
   * kept; a later request may only shorten the grace.
   */
  requestStop({ requestedBy, reason, graceMs = this.request.graceMs }: StopRequest): void {
    this.#graceEndsAt = Math.min(this.#graceEndsAt, performance.now() + graceMs);
    if (this.#stop !== null || this.#isOver) return;
    this.#stop = { requestedBy, reason, at: new Date().toISOString(), isForced: false };
    this.#state = 'stopping';
    this.#stopWish.resolve();
  }

  /** Notes that a supervisor is there. */
  contact(): void {
    this.#contactAt = performance.now();
  }

  /** Time since a supervisor was last there, ms. */
  get silenceMs(): number {
    return performance.now() - this.#contactAt;
  }

  /** Looks at the processes of the command, so that they stay known when their parents end. */
  track(): void {
    this.#tracker?.scan();
  }

  /** What `keeper.json` says now. */
  record(): KeeperRecord {
    return {
      v: 1,
      id: this.request.id,
      state: this.#state,
      keeper: { pid: process.pid, startTicks: readProcess(process.pid)?.startTicks ?? 0, bootId: readBootId() },
      child: this.#child,
      sessions: [...(this.#tracker?.sessionLeaders() ?? [])],
      startedAt: this.#startedAt,
      socketPath: this.#socketPath,
      lastContactAt: new Date(Date.now() - this.silenceMs).toISOString(),
    };
  }

  /** Lets clients know an end that cannot be written: told any sooner, it could still be forgotten in a crash. */
  tellUnwritten(exit: KeeperExit): void {
    this.#toldExit = exit;
  }

  /** What clients ask for. */
  status(): { readonly record: KeeperRecord; readonly stop: KeeperStop | null; readonly exit: KeeperExit | null } {
    return { record: this.record(), stop: this.#stop, exit: this.#toldExit };
  }

  async #supervise(childEnd: Promise<CommandEnd>): Promise<void> {
    await Promise.race([childEnd.then(() => (this.#isOver = true)), this.#stopWish.promise]);
    if (this.#stop === null) {
      this.#graceEndsAt = performance.now() + Math.min(this.request.graceMs, LEFTOVER_GRACE_MS);
    }
    const swept =
      this.#tracker === null
        ? { isForced: false, unkillable: [] }
        : await sweep(this.#tracker, {
            graceEndsAt: () => this.#graceEndsAt,
            killDeadlineMs: this.request.killDeadlineMs,
          });
    const isStuck = this.#child !== null && swept.unkillable.some((pid) => pid === this.#child?.pid);
    const { code, signal, spawnError } = await reaped(childEnd, isStuck ? 0 : REAP_PATIENCE_MS);
    const exit: KeeperExit = {
      v: 1,
      id: this.request.id,
      code,
      signal,
      startedAt: this.#startedAt,
      endedAt: new Date().toISOString(),
      stop: this.#stop === null ? null : { ...this.#stop, isForced: swept.isForced },
      unkillable: [...swept.unkillable],
      spawnError,
    };
    this.#state = 'exited';
    this.#end.resolve(exit);
  }
}

/** The exit status, or "unknown" when the process of argv never yields one. */
async function reaped(childEnd: Promise<CommandEnd>, patienceMs: number): Promise<CommandEnd> {
  const unknown = deferred<CommandEnd>();
  const timer = setTimeout(() => unknown.resolve({ code: null, signal: null, spawnError: null }), patienceMs);
  const end = await Promise.race([childEnd, unknown.promise]);
  clearTimeout(timer);
  return end;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  return { promise, resolve, reject };
}
