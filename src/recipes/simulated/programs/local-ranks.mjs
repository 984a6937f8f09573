import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { REPORT_FD } from './rank-process.mjs';

/**
 * How a rank ended: `code` is its status, or minus the number of the signal that ended it, as Python tells it.
 * @typedef {{ localRank: number, pid: number, code: number, signal: string | null, at: Date }} RankEnd
 */

/**
 * Starts the ranks of this node, each in a session of its own, with logs where torchrun has them.
 * @param {import('./launch-arguments.mjs').LaunchPlan} plan
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function startRanks(plan, env) {
  mkdirSync(plan.logDir, { recursive: true });
  const attemptDir = join(mkdtempSync(join(plan.logDir, 'none_')), 'attempt_0');
  const logDirs = Array.from({ length: plan.ranksPerNode }, (_, localRank) => join(attemptDir, String(localRank)));
  for (const folder of logDirs) mkdirSync(folder, { recursive: true });
  const first = plan.nodeRank * plan.ranksPerNode;
  const common = {
    ...env,
    MASTER_ADDR: plan.host,
    MASTER_PORT: String(plan.port),
    WORLD_SIZE: String(plan.nodes * plan.ranksPerNode),
    LOCAL_WORLD_SIZE: String(plan.ranksPerNode),
    GROUP_RANK: String(plan.nodeRank),
    GROUP_WORLD_SIZE: String(plan.nodes),
    TORCHELASTIC_RESTART_COUNT: '0',
    TORCHELASTIC_MAX_RESTARTS: '0',
    TORCHELASTIC_RUN_ID: 'none',
    TORCHELASTIC_USE_AGENT_STORE: 'True',
  };
  if (plan.isOneProcess) {
    const shared = { ...common, RANK: String(first), SIM_RANK_LOG_DIR: attemptDir };
    return [new LocalProcess(plan, logDirs, shared, 0)];
  }
  return logDirs.map((folder, localRank) => {
    const own = { ...common, RANK: String(first + localRank), LOCAL_RANK: String(localRank) };
    return new LocalProcess(plan, [folder], own, localRank);
  });
}

/** A process of one rank, or of all ranks of the node. */
class LocalProcess {
  constructor({ interpreter, program, programArguments, isOneProcess }, [logDir], env, localRank) {
    const [out, err] = ['stdout.log', 'stderr.log'].map((name) => openSync(join(logDir, name), 'a'));
    this.localRank = localRank;
    // Detached: a session of its own, as torchrun's ranks have, so that killing the launcher's group misses it.
    this.child = spawn(interpreter, [program, ...programArguments], {
      env,
      detached: true,
      stdio: ['ignore', out, err, ...(isOneProcess ? ['pipe'] : [])],
    });
    closeSync(out);
    closeSync(err);
    let culprit = '';
    this.child.stdio[REPORT_FD]?.on('data', (chunk) => {
      culprit += chunk;
    });
    /** @type {Promise<RankEnd>} */
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      // "close", not "exit": the report of a shared process has then been read.
      this.child.once('close', (code, signal) => {
        const rank = culprit === '' ? localRank : Number.parseInt(culprit, 10);
        const status = signal === null ? code : -constants.signals[signal];
        resolve({ localRank: rank, pid: this.child.pid, code: status, signal, at: new Date() });
      });
    });
  }

  get isAlive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  kill(signal) {
    this.child.kill(signal);
  }
}

/**
 * Ends processes: TERM, then KILL for those that are left after the grace. Answers how each ended.
 * @param {readonly LocalProcess[]} processes
 * @param {number} graceMs
 * @param {(line: string) => void} warn
 */
export async function stopRanks(processes, graceMs, warn) {
  for (const one of processes.filter(({ isAlive }) => isAlive)) {
    warn(`Sending process ${one.child.pid} closing signal SIGTERM`);
    one.kill('SIGTERM');
  }
  const timer = setTimeout(() => {
    for (const one of processes.filter(({ isAlive }) => isAlive)) {
      warn(`Unable to shutdown process ${one.child.pid} via Signals.SIGTERM, forcefully exiting via Signals.SIGKILL`);
      one.kill('SIGKILL');
    }
  }, graceMs);
  const ends = await Promise.all(processes.map(({ ended }) => ended));
  clearTimeout(timer);
  return ends;
}
