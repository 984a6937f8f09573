import { setTimeout as sleep } from 'node:timers/promises';
import { readProcess } from '../../host/processes/proc.js';
import type { ProcessKey } from '../../host/processes/identity.js';
import { sendSignal } from '../../host/processes/sweep.js';

const POLL_MS = 20;
/** How long a process may take to vanish after KILL before it counts as stuck in the kernel. */
const KILL_DEADLINE_MS = 10_000;

/**
 * Ends exactly these processes, not their children: TERM, grace, KILL.
 * @returns the pids that survived KILL
 */
export async function endProcesses(
  processes: readonly ProcessKey[],
  graceEndsAt: () => number,
): Promise<readonly number[]> {
  for (const one of processes) sendSignal(one, 'SIGTERM');
  let killedAt: number | null = null;
  for (;;) {
    const left = processes.filter(isAlive);
    if (left.length === 0) return [];
    const now = performance.now();
    if (now >= graceEndsAt()) {
      killedAt ??= now;
      for (const one of left) sendSignal(one, 'SIGKILL');
      if (now - killedAt > KILL_DEADLINE_MS) return left.map((one) => one.pid);
    }
    await sleep(POLL_MS);
  }
}

function isAlive({ pid, startTicks }: ProcessKey): boolean {
  const found = readProcess(pid);
  return found !== null && found.isAlive && found.startTicks === startTicks;
}
