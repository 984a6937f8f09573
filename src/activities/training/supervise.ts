import { activityInfo, cancellationSignal, Context, getClient, heartbeat, log } from '@temporalio/activity';
import { formatProblem, TemperError } from '../../domain/errors.js';
import { isClosedStatus } from '../../domain/closed-status.js';
import type { HostContext } from '../../host/context.js';
import { hostUnkillable, takeHost } from '../../host/fence/take-host.js';
import { ensureKeeper, findKeeper } from '../../host/keeper/client.js';
import { endKeeper } from '../../host/keeper/end.js';
import { FENCED } from '../../host/keeper/fence-duty.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import { tailLog } from '../../host/processes/tail.js';
import type { Command } from '../../recipes/recipe.js';
import type { KeeperExit, KeeperRequestInput } from '../../schemas/keeper.js';
import type { Progress } from '../../schemas/run.js';
import type { Timing } from '../../schemas/timing.js';
import type { StageCall } from '../../schemas/stage-calls.js';
import { keeperOf } from '../keeper-of.js';

/** Ranks of an older attempt have nothing to save: what they would still write, nobody loads. */
const FENCED_GRACE_MS = 2_000;

/** A command of a stage or a training, and who watches over it. */
export interface Supervision {
  readonly host: HostContext;
  readonly call: StageCall;
  readonly command: Command;
  /** Number in the keeper's id: the try of a stage, or the attempt of a training. */
  readonly number: number;
  readonly rankLogs?: NonNullable<KeeperRequestInput['rankLogs']>;
  /** Set for an attempt of a training: older ones are ended first, and this one ends when a newer one takes over. */
  readonly fence?: NonNullable<KeeperRequestInput['fence']>;
  /** Adds what is known of the progress; called before every heartbeat. */
  progress(keeper: KeeperHandle): Promise<Partial<Progress>>;
}

/**
 * Runs a command under a keeper, or attaches to the one that runs or ran already, and waits for its end. Only a
 * requested stop ends the command: a lost server, a redeployed worker or a paused activity leave it running, and
 * the next attempt of the activity attaches again.
 */
export async function supervise(supervision: Supervision): Promise<{ keeper: KeeperHandle; exit: KeeperExit }> {
  const { host, call } = supervision;
  const signal = cancellationSignal();
  const keeper = await startOrAttach(supervision, signal);
  const beats = heartbeats(supervision, keeper);
  try {
    const exit = await keeper.waitForExit({ signal, pollMs: call.timing.pollMs });
    if (exit.unkillable.length > 0) throw hostUnkillable(host.name, [{ id: keeper.id, unkillable: exit.unkillable }]);
    return { keeper, exit };
  } catch (error) {
    if (signal.aborted) await stopIfAsked(keeper, call.timing);
    throw error;
  } finally {
    await beats.stop();
  }
}

/**
 * The keeper of the command, started if it was not. A host that an attempt begins to use may have to end older ones,
 * which takes a minute at worst, so this beats by itself.
 */
async function startOrAttach(supervision: Supervision, signal: AbortSignal): Promise<KeeperHandle> {
  const { host, call, command, number, rankLogs, fence } = supervision;
  const { timing, run, stage } = call;
  const id = keeperOf(call, command.step, number);
  const isAsked = findKeeper(host.scratch, id) !== null;
  // One that runs already is attached to even now, so that a requested stop reaches it.
  if (signal.aborted && !isAsked) throw signal.reason;
  // Without the step, which is told once its command runs.
  const begun: Progress = { v: 1, stage: stage.name, host: host.name, phase: 'starting' };
  const timer = setInterval(() => heartbeat(begun), timing.heartbeatIntervalMs);
  try {
    if (fence !== undefined && !isAsked) {
      const claim = { run, attempt: fence.attempt, lease: fence.lease };
      await takeHost(host, claim, { graceMs: FENCED_GRACE_MS, signal });
    }
    return await ensureKeeper(host.scratch, host.keeperBundle, {
      id,
      argv: [...command.argv],
      cwd: command.cwd,
      env: { ...command.env },
      secretEnv: [...(command.secretEnv ?? [])],
      labels: { run, stage: stage.name, host: host.name, attempt: number },
      graceMs: timing.stopGraceMs,
      orphanTimeoutMs: timing.orphanTimeoutMs,
      ...(rankLogs === undefined ? {} : { rankLogs }),
      ...(fence === undefined ? {} : { fence }),
    });
  } finally {
    clearInterval(timer);
  }
}

/** Throws the error of a command that did not end well; its log's last lines are the evidence. */
export async function assertSucceeded(
  step: string,
  { keeper, exit }: { keeper: KeeperHandle; exit: KeeperExit },
): Promise<void> {
  if (exit.code === 0 && exit.stop === null) return;
  const where = `${keeper.id}: ${keeper.paths.stderr}`;
  if (exit.spawnError !== null) {
    throw new TemperError('CommandMissing', { where, what: `${step} could not start: ${exit.spawnError.message}` });
  }
  const { lines } = await tailLog(keeper.paths.stderr, { maxLines: 12 });
  const evidence = lines.length > 0 ? lines : (await tailLog(keeper.paths.stdout, { maxLines: 12 })).lines;
  if (exit.stop?.reason === 'keeper-lost') {
    throw new TemperError('KeeperLost', {
      where,
      what: `the keeper of ${step} was killed, so how it ended is not known; what was left of it is stopped`,
      evidence,
    });
  }
  if (exit.stop?.reason === FENCED) {
    throw new TemperError('FencedOff', {
      where,
      what: `${step} was stopped, because a newer attempt took over`,
      evidence,
    });
  }
  if (exit.stop !== null) {
    throw new TemperError('CommandStopped', { where, what: `${step} was stopped: ${exit.stop.reason}`, evidence });
  }
  const ending = exit.signal === null ? `exit status ${exit.code}` : `signal ${exit.signal}`;
  throw new TemperError('CommandFailed', {
    where,
    what: `${step} ended with ${ending}`,
    why: tellingLine(evidence),
    evidence,
  });
}

/**
 * A program of ours tells its error first, or a finding of a report and its sentence below; Python tells it last, and
 * torchrun above a line of signs.
 */
function tellingLine(lines: readonly string[]): string {
  const at = lines.findIndex((line) => /^(error|problem )/.test(line));
  const [first = '', second = ''] = at < 0 ? [] : lines.slice(at);
  if (first !== '') return first.startsWith('problem') ? `${first}: ${second.trim()}` : first;
  return lines.findLast((line) => /[\p{L}\p{N}]/u.test(line))?.trim() ?? 'it said nothing';
}

/** Stops the command when a person or the workflow asked for it; otherwise detaches. */
async function stopIfAsked(keeper: KeeperHandle, { callTimeoutMs, stopGraceMs }: Timing): Promise<void> {
  const reason = await stopReason(callTimeoutMs);
  if (reason === null) return;
  const exit = await endKeeper(keeper, { reason, graceMs: stopGraceMs });
  if (exit !== null && exit.unkillable.length > 0) {
    log.warn('processes of the stopped command survive SIGKILL', { keeper: keeper.id, pids: exit.unkillable });
  }
}

async function stopReason(timeoutMs: number): Promise<string | null> {
  const details = Context.current().cancellationDetails;
  if (details?.cancelRequested === true) return 'cancelled';
  // A terminated workflow only shows as "not found"; so does a lost server, and that one must cost nothing.
  if (details?.notFound !== true || details.timedOut) return null;
  const { workflowExecution } = activityInfo();
  if (workflowExecution === undefined) return null;
  try {
    const { workflowId, runId } = workflowExecution;
    const client = getClient();
    // A signal of its own: the SDK ties calls of an activity to the activity's signal, which has just fired.
    const { status } = await client.withAbortSignal(AbortSignal.timeout(timeoutMs), () =>
      client.workflow.getHandle(workflowId, runId).describe(),
    );
    return isClosedStatus(status.name) ? `workflow ${status.name.toLowerCase()}` : null;
  } catch (error) {
    log.warn('cannot tell whether the workflow still runs; the command goes on', { error });
    return null;
  }
}

/**
 * Heartbeats by timer: logs can be silent for minutes while all is well, and reading them can take long. Each beat
 * tells the progress as it was read last.
 */
function heartbeats({ host, call, command, progress }: Supervision, keeper: KeeperHandle): { stop(): Promise<void> } {
  const base: Progress = { v: 1, stage: call.stage.name, host: host.name, phase: 'running', step: command.step };
  let newest = base;
  let reading: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    try {
      newest = { ...base, ...(await progress(keeper)) };
      heartbeat(newest);
    } catch (error) {
      log.debug('progress cannot be read', {
        error: error instanceof TemperError ? formatProblem(error.problem) : error,
      });
    }
  };
  const beat = (): void => {
    heartbeat(newest);
    reading ??= read().finally(() => (reading = null));
  };
  beat();
  const timer = setInterval(beat, call.timing.heartbeatIntervalMs);
  return {
    async stop() {
      clearInterval(timer);
      await reading;
    },
  };
}
