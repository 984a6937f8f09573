import { readdirSync, readFileSync } from 'node:fs';
import type { RankTimes } from '../../domain/gang/pace.js';
import type { KeeperRecord } from '../../schemas/keeper.js';
import { listProcessTimes } from './cpu-time.js';

/**
 * What the kernel has counted for the ranks of a command, by the pid of their leading processes: each rank leads a
 * session, in which its helpers count too. Ranks that started since the keeper looked last are found by their parent.
 */
export function readRankTimes({ sessions, child }: KeeperRecord): ReadonlyMap<number, RankTimes> {
  const found = new Map<number, RankTimes>();
  if (child === null) return found;
  const processes = listProcessTimes();
  const known = new Set(sessions.map(({ pid }) => pid));
  for (const leader of processes) {
    const { pid, session, ppid } = leader;
    if (pid !== session || pid === child.pid || !(known.has(pid) || ppid === child.pid)) continue;
    const own = processes.filter((one) => one.session === pid);
    found.set(pid, {
      rank: rankOf(pid),
      workedMs: sum(own.map(({ workedMs }) => workedMs)),
      queuedMs: sum(own.map((one) => queuedMs(one.pid))),
      // D: in a system call that nothing interrupts, as a rule for a disk; T and t: stopped.
      isStuck: /^[DTt]$/.test(leader.state),
    });
  }
  return found;
}

const NS_PER_MS = 1_000_000;

/** Time in which threads could run and did not; zero where the kernel does not count it (Documentation/scheduler/sched-stats.rst). */
function queuedMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return sum(
      threads.map((tid) => {
        try {
          return Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[1] ?? 0) / NS_PER_MS;
        } catch {
          return 0;
        }
      }),
    );
  } catch {
    return 0;
  }
}

/** torchrun tells each rank its number by the variable RANK. Nothing else of the environment is looked at. */
function rankOf(pid: number): number | null {
  try {
    const [, rank] = /\0RANK=(\d+)\0/.exec(`\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`) ?? [];
    return rank === undefined ? null : Number(rank);
  } catch {
    return null;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
