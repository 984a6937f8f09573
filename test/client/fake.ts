import { defaultPayloadConverter } from '@temporalio/common';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import type { TemperClient } from '../../src/client/connect.js';

/** A workflow as the fake server knows it. */
export interface FakeWorkflow {
  readonly status: string;
  readonly memo?: Record<string, unknown>;
  readonly heartbeats?: readonly unknown[];
  readonly result?: unknown;
  readonly failure?: unknown;
}

export interface FakeServer {
  readonly client: TemperClient;
  /** Ids of the workflows that were started, and what they were given. */
  readonly started: { id: string; input: unknown; memo: unknown }[];
}

/** A client of a server that holds these workflows by id; a start adds one that runs. */
export function fakeServer(workflows: Record<string, FakeWorkflow> = {}): FakeServer {
  const known = new Map(Object.entries(workflows));
  const started: FakeServer['started'] = [];
  const workflow = {
    getHandle: (id: string) => ({
      describe: async () => {
        const found = known.get(id);
        if (found === undefined) throw Object.assign(new Error('not found'), { name: 'WorkflowNotFoundError' });
        const { status, memo, heartbeats = [] } = found;
        return {
          workflowId: id,
          runId: `run-of-${id}`,
          status: { name: status },
          memo,
          taskQueue: 'temper/lab/control',
          startTime: new Date(0),
          closeTime: status === 'RUNNING' ? undefined : new Date(1_000),
          raw: {
            pendingActivities: heartbeats.map((beat) => ({
              heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(beat)] },
            })),
          },
        };
      },
      result: async () => {
        const found = known.get(id);
        if (found?.failure !== undefined) throw found.failure;
        return found?.result;
      },
    }),
    start: async (
      _type: string,
      options: { workflowId: string; args: readonly unknown[]; memo: Record<string, unknown> },
    ) => {
      const id = options.workflowId;
      if (known.get(id)?.status === 'RUNNING')
        throw Object.assign(new Error('exists'), { name: 'WorkflowExecutionAlreadyStartedError' });
      known.set(id, { status: 'RUNNING', memo: options.memo });
      started.push({ id, input: options.args[0], memo: options.memo });
    },
  };
  const fake = {
    temporal: { workflow },
    target: { options: {}, namespace: 'default', timing: LOCAL_TIMING, dev: null },
    close: async () => undefined,
  };
  // Safe: the functions under test use these members of a client only.
  return { client: fake as unknown as TemperClient, started };
}
