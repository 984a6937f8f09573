import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { listProcesses } from '../../src/host/processes/proc.js';
import type { ProcessInfo } from '../../src/host/processes/proc.js';
import { sendSignal } from '../../src/host/processes/sweep.js';

/** A process that a test left behind. */
export interface Leftover extends ProcessInfo {
  readonly command: string;
}

/** How long processes may take to end by themselves after a test asked them to. */
const ENDING_LIMIT_MS = 5_000;
const POLL_MS = 20;

/**
 * Processes that have to do with a folder of a test: it stands in their arguments, is their working folder, or they
 * inherited an environment that names it. Finds servers, workers, keepers and ranks alike, whoever started them.
 */
export function findUsers(folder: string): readonly Leftover[] {
  return listProcesses()
    .filter(({ pid, isAlive }) => isAlive && pid !== process.pid)
    .flatMap((found) => {
      const command = read(`/proc/${found.pid}/cmdline`).replaceAll('\0', ' ').trim();
      const isUser = [command, read(`/proc/${found.pid}/environ`), cwdOf(found.pid)].some((text) =>
        text.includes(folder),
      );
      return isUser ? [{ ...found, command }] : [];
    });
}

/** Throws, naming them, when processes of a folder are still there after a moment; ends them in any case. */
export async function expectNoLeftovers(folder: string): Promise<void> {
  const until = performance.now() + ENDING_LIMIT_MS;
  while (findUsers(folder).length > 0 && performance.now() < until) await sleep(POLL_MS);
  const left = await killUsers(folder);
  if (left.length === 0) return;
  throw new Error(`left behind in ${folder}:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n')}`);
}

/** Kills all processes of a folder and waits until they are gone; answers who they were. */
export async function killUsers(folder: string): Promise<readonly Leftover[]> {
  const seen = new Map<number, Leftover>();
  for (let left = findUsers(folder); left.length > 0; left = findUsers(folder)) {
    for (const one of left) {
      seen.set(one.pid, one);
      sendSignal(one, 'SIGKILL');
    }
    await sleep(POLL_MS);
  }
  return [...seen.values()];
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // Ended meanwhile, or another user's.
    return '';
  }
}
