import { setTimeout as sleep } from 'node:timers/promises';

/** What work came to within a limit in ms; null when it is late, and then it goes on unseen. Its errors are thrown. */
export async function inTime<T>(limitMs: number, work: Promise<T>): Promise<T | null> {
  const timer = new AbortController();
  const late = sleep(limitMs, null, { signal: timer.signal }).catch(() => null);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
