import { join, resolve } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { TemperClient } from '../../../src/client/connect.js';
import { describe } from '../../../src/client/run-status.js';
import { fleetWorkflowId, gangWorkflowId, runWorkflowId } from '../../../src/domain/ids.js';
import { recordHistory } from '../../support/record-history.js';
import { quietWorkers } from './quiet.js';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Replays what just happened with the workflow code as it is now, and keeps it where that was asked for. */
export async function replayHistories(client: TemperClient, runs: readonly string[]): Promise<void> {
  const ids = [fleetWorkflowId('default'), ...runs.flatMap((run) => [runWorkflowId(run), gangWorkflowId(run)])];
  await replayAll(client, new Map(ids.map((id) => [id, id.replaceAll('/', '_')])));
}

/** The same for retrains, by the ids of their workflows; kept under how they ended, which their names do not tell. */
export async function replayRetrains(client: TemperClient, workflowIds: ReadonlyMap<string, string>): Promise<void> {
  await replayAll(client, new Map([...workflowIds].map(([state, id]) => [id, `temper_retrain_${state}`])));
}

async function replayAll(client: TemperClient, names: ReadonlyMap<string, string>): Promise<void> {
  quietWorkers();
  for (const [workflowId, name] of names) {
    if ((await describe(client, workflowId)) === null) continue;
    const history = await client.temporal.workflow.getHandle(workflowId).fetchHistory();
    await Worker.runReplayHistory(
      { workflowBundle: { codePath: join(ROOT, 'dist/workflow-bundle.js') } },
      history,
      workflowId,
    );
    await recordHistory(client.target.options.address ?? '', { workflowId, name });
  }
}
