import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { HostLook } from '../../domain/preflight/look.js';
import { errorText } from '../../domain/text/error-text.js';
import { runProbe } from './run-probe.js';

/** How many files a process of this worker's may open; null where /proc does not tell. */
export function openFileLimit(): number | null {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (soft === undefined) return null;
    return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
  } catch {
    return null;
  }
}

/** Size of the shared memory of data loaders. */
export async function lookAtSharedMemory(path = '/dev/shm'): Promise<HostLook['sharedMemory']> {
  try {
    const { blocks, bavail, bsize } = await statfs(path);
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch (error) {
    return { unseen: errorText(error) };
  }
}

/** `date` is asked, because it takes its zone as ranks do: from TZ, else from the system. */
const DATE = { id: 'date', argv: ['date', '+%z'], timeoutMs: 5_000 };

/** Time zones of the environment that ranks would get and of this worker. */
export async function lookAtZones(env: Readonly<Record<string, string>>): Promise<NonNullable<HostLook['zones']>> {
  const { state, code, stdout } = await runProbe({ ...DATE, env });
  const ranks = stdout.trim();
  if (state !== 'ended' || code !== 0 || !/^[+-]\d{4}$/.test(ranks)) {
    return { unseen: `date +%z ended as ${state}, status ${code ?? 'none'}` };
  }
  return { ranks, worker: zoneOf(-new Date().getTimezoneOffset()) };
}

/** +0800 for 480 minutes. */
function zoneOf(minutes: number): string {
  const size = Math.abs(minutes);
  const digits = (value: number): string => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${digits(Math.floor(size / 60))}${digits(size % 60)}`;
}
