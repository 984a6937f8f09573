import { heartbeat } from '@temporalio/activity';
import type { Timing } from '../../schemas/timing.js';

/** Does work that may take minutes and has nothing to tell, with heartbeats by timer. */
export async function beating<T>({ heartbeatIntervalMs }: Timing, text: string, work: () => Promise<T>): Promise<T> {
  const beat = (): void => heartbeat({ v: 1, phase: text });
  beat();
  const timer = setInterval(beat, heartbeatIntervalMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
