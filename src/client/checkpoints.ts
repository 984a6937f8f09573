import { defaultPayloadConverter } from '@temporalio/client';
import { TemperError } from '../domain/errors.js';
import { readStoredSpec } from '../domain/spec/read-spec.js';
import { CheckpointListSchema, type CheckpointList } from '../schemas/host-call.js';
import { PipelineInputSchema } from '../schemas/run.js';
import type { TemperClient } from './connect.js';
import { getFleet } from './fleet.js';
import { callAnyHost } from './host-call.js';
import { getRunStatus } from './run-status.js';

/** The checkpoints of a run, as a live host of its fleet sees them. */
export async function listCheckpoints(client: TemperClient, run: string): Promise<CheckpointList> {
  const { workflowId, workflowRunId } = await getRunStatus(client, run);
  const { workspace, fleet } = await readPlaces(client, workflowId, workflowRunId);
  const { hosts } = await getFleet(client, fleet);
  const answer = await callAnyHost(
    client,
    fleet,
    hosts.map(({ name }) => name),
    { v: 1, op: 'checkpoints', workspace, run },
  );
  return CheckpointListSchema.parse(answer);
}

/** Workspace, fleet, number of hosts and spec of a run, from the spec that its workflow was started with: the first event of its history. */
export async function readPlaces(
  client: TemperClient,
  workflowId: string,
  runId: string,
): Promise<{ workspace: string; fleet: string; hosts: number; specText: string }> {
  const { workflowService, options } = client.temporal;
  const { history } = await workflowService.getWorkflowExecutionHistory({
    namespace: options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  const input = PipelineInputSchema.safeParse(payload ? defaultPayloadConverter.fromPayload(payload) : null);
  const specText = input.success ? input.data.specText : '';
  const { spec } = readStoredSpec(specText);
  if (spec !== null) return { workspace: spec.workspace, fleet: spec.fleet.name, hosts: spec.fleet.hosts, specText };
  throw new TemperError('RunNotFound', {
    where: workflowId,
    what: 'its workflow was not started with a spec that this Temper can read',
  });
}
