import { heartbeat } from '@temporalio/activity';
import { assertWorkspace } from '../host/assert-workspace.js';
import { collect, planCollection } from '../host/retention/collect.js';
import type { CollectCall, CollectReport } from '../schemas/retention.js';
import { lookAtRuns } from './look-at-runs.js';
import type { StageHost } from './stage-host.js';

const MOST_ITEMS = 200;
const MOST_KEPT = 100;

/** Removes, or only tells, what retention does not keep of a workspace. */
export async function collectGarbage(host: StageHost, call: CollectCall): Promise<CollectReport> {
  const { workspace, policy, isDryRun, heartbeatIntervalMs, schedules } = call;
  const beat = (): void => heartbeat({ v: 1, phase: 'looking for what is not needed' });
  beat();
  await assertWorkspace(workspace);
  const timer = setInterval(beat, heartbeatIntervalMs);
  try {
    const look = lookAtRuns(host);
    const run = isDryRun ? planCollection : collect;
    const { totalBytes, items, kept } = await run(workspace, policy, look, schedules);
    return {
      v: 1,
      host: host.name,
      workspace,
      isDryRun,
      totalBytes,
      freedBytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
      count: items.length,
      items: [...items].sort((a, b) => b.bytes - a.bytes).slice(0, MOST_ITEMS),
      kept: kept.slice(0, MOST_KEPT),
    };
  } finally {
    clearInterval(timer);
  }
}
