import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { TemperClient } from '../../../src/client/connect.js';
import { describe } from '../../../src/client/run-status.js';
import { fleetWorkflowId, gangWorkflowId, runWorkflowId } from '../../../src/domain/ids.js';

const ROOT = resolve(import.meta.dirname, '../../..');
/** Set to a folder to keep the histories, for `test/replay/histories`. */
const RECORD = process.env['TEMPER_RECORD_HISTORIES'];

/** Replays what just happened with the workflow code as it is now, and keeps it where that was asked for. */
export async function replayHistories(client: TemperClient, runs: readonly string[]): Promise<void> {
  const ids = [fleetWorkflowId('default'), ...runs.flatMap((run) => [runWorkflowId(run), gangWorkflowId(run)])];
  for (const workflowId of ids) {
    if ((await describe(client, workflowId)) === null) continue;
    const history = await client.temporal.workflow.getHandle(workflowId).fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: { codePath: join(ROOT, 'dist/workflow-bundle.js') } }, history, workflowId);
    if (RECORD === undefined) continue;
    await mkdir(RECORD, { recursive: true });
    await writeFile(join(RECORD, `${workflowId.replaceAll('/', '_')}.json`), JSON.stringify(historyToJSON(history)));
  }
}
