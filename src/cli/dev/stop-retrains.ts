import { setTimeout as sleep } from 'node:timers/promises';
import type { TemperClient } from '../../client/connect.js';
import { describe } from '../../client/run-status.js';
import { cancelRun } from '../../client/runs.js';
import { openRetrains, type OpenRetrain } from '../../client/schedules/running.js';
import { isClosedStatus } from '../../domain/closed-status.js';

/** How often the server is asked whether a retrain has ended. */
const POLL_MS = 200;

/** Retrains whose runs are over: those that measure, and those that wait for a person. */
export async function findRetrains(
  client: TemperClient,
  openRuns: readonly string[],
): Promise<{ readonly measuring: readonly OpenRetrain[]; readonly waiting: readonly string[] }> {
  const measuring: OpenRetrain[] = [];
  const waiting: string[] = [];
  for await (const retrain of openRetrains(client)) {
    const { memo } = retrain;
    if (memo === null || memo.run === null || openRuns.includes(memo.run)) continue;
    if (memo.state === 'approval') waiting.push(memo.run);
    else if (memo.phase === 'evaluating') measuring.push(retrain);
  }
  return { measuring, waiting };
}

/** What happens to them, a sentence each kind; nothing where there are none. */
export function tellRetrains({ measuring, waiting }: Awaited<ReturnType<typeof findRetrains>>): string[] {
  const triggers = [...new Set(measuring.map(({ schedule }) => `temper schedule trigger ${schedule}`))].join(', ');
  const names = measuring.map(({ memo, workflowId }) => memo?.run ?? workflowId).join(', ');
  return [
    ...(measuring.length === 0
      ? []
      : [
          `cancelling the retrain of ${names}, whose measurement cannot be paused; after the next start ${triggers} does it again and reuses what is finished`,
        ]),
    ...waiting.map((run) => `${run} still waits for temper approve ${run} after the next start; its time runs on`),
  ];
}

/** Asks a retrain to end, which is no failure of its schedule, and waits for it: an ended command would be one. */
export async function endRetrain(client: TemperClient, workflowId: string, ender: Ender): Promise<void> {
  await cancelRun(client, workflowId, ender);
  for (;;) {
    const found = await describe(client, workflowId);
    if (found === null || isClosedStatus(found.status.name)) return;
    await sleep(POLL_MS, undefined, { signal: ender.hurry });
  }
}

interface Ender {
  readonly by: string;
  readonly why: string;
  readonly hurry: AbortSignal;
}
