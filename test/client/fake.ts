import { AsyncLocalStorage } from 'node:async_hooks';
import { defaultPayloadConverter } from '@temporalio/common';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import type { TemperClient } from '../../src/client/connect.js';

/** A workflow as the fake server knows it. */
export interface FakeWorkflow {
  readonly status: string;
  /** By the clock; 0 when left out. */
  readonly startedMs?: number;
  readonly memo?: Record<string, unknown>;
  readonly heartbeats?: readonly unknown[];
  readonly result?: unknown;
  readonly failure?: unknown;
  /** What it was started with. */
  readonly input?: unknown;
  /** Workflow that started it. */
  readonly parent?: string;
  /** Events of its history that the server is asked for, the newest first; each is a page. */
  readonly history?: readonly object[];
  /** A task of it that waits for a control worker: since when, by the clock, and which try it is. */
  readonly task?: { readonly sinceMs: number; readonly attempt: number };
  /** How far a worker goes with an update; it answers when none is named. */
  readonly update?: 'not taken' | 'taken only';
  /** Whether a request to cancel has ended it at once; else it stays as it is. */
  readonly endsWhenAsked?: boolean;
  /** Whether it stops when it is asked to pause, request by request; it does for what is not listed. */
  readonly paused?: readonly boolean[];
}

export interface FakeServer {
  readonly client: TemperClient;
  /** Ids of the workflows that were started, and what they were given. */
  readonly started: { id: string; input: unknown; memo: unknown }[];
  /** Updates that a worker took. */
  readonly asked: { name: string; arg: unknown }[];
  /** Requests to cancel. */
  readonly cancelled: { id: string; identity: string; reason?: string }[];
  /** Limits in milliseconds that calls were given. */
  readonly limits: number[];
}

/** A client of a server that holds these workflows by id; a start adds one that runs. */
export function fakeServer(workflows: Record<string, FakeWorkflow> = {}): FakeServer {
  const known = new Map(Object.entries(workflows));
  const started: FakeServer['started'] = [];
  const asked: FakeServer['asked'] = [];
  const cancelled: FakeServer['cancelled'] = [];
  const limits: number[] = [];
  const workflow = {
    async *list() {
      for (const [workflowId, { memo }] of known) yield { workflowId, memo };
    },
    getHandle: (id: string) => ({
      describe: async () => {
        const found = known.get(id);
        if (found === undefined) throw Object.assign(new Error('not found'), { name: 'WorkflowNotFoundError' });
        const { status, memo, heartbeats = [], parent, task, startedMs = 0 } = found;
        return {
          workflowId: id,
          runId: `run-of-${id}`,
          status: { name: status },
          memo,
          taskQueue: 'temper/lab/control',
          startTime: new Date(startedMs),
          closeTime: status === 'RUNNING' ? undefined : new Date(1_000),
          raw: {
            ...(parent === undefined ? {} : { workflowExecutionInfo: { parentExecution: { workflowId: parent } } }),
            ...(task === undefined
              ? {}
              : {
                  pendingWorkflowTask: {
                    scheduledTime: { seconds: Math.floor(task.sinceMs / 1000) },
                    attempt: task.attempt,
                  },
                }),
            pendingActivities: heartbeats.map((beat) => ({
              heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(beat)] },
            })),
          },
        };
      },
      startUpdate: async (name: string, { args }: { args: readonly unknown[] }) => {
        const reach = known.get(id)?.update;
        if (reach === 'not taken') return untilDeadline();
        asked.push({ name, arg: args[0] });
        const paused = known.get(id)?.paused?.[asked.length - 1] ?? true;
        const answer = name === 'pauseRun' ? { v: 1, paused } : { v: 1, resumed: true, problems: [], invalidated: [] };
        return { result: async () => (reach === 'taken only' ? untilDeadline() : answer) };
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
  const workflowService = {
    getWorkflowExecutionHistoryReverse: async ({
      execution: { workflowId },
      nextPageToken,
    }: {
      execution: { workflowId: string };
      nextPageToken: Uint8Array;
    }) => {
      const { history = [] } = known.get(workflowId) ?? {};
      const page = nextPageToken[0] ?? 0;
      const isLast = page + 1 >= history.length;
      return {
        history: { events: history.slice(page, page + 1) },
        nextPageToken: isLast ? new Uint8Array() : Uint8Array.of(page + 1),
      };
    },
    getWorkflowExecutionHistory: async ({ execution: { workflowId } }: { execution: { workflowId: string } }) => {
      const input = { payloads: [defaultPayloadConverter.toPayload(known.get(workflowId)?.input ?? null)] };
      return { history: { events: [{ workflowExecutionStartedEventAttributes: { input } }] } };
    },
    requestCancelWorkflowExecution: async (request: {
      workflowExecution: { workflowId: string };
      identity: string;
      reason?: string;
    }) => {
      const { workflowExecution, identity, reason } = request;
      const asked = known.get(workflowExecution.workflowId);
      if (asked?.endsWhenAsked === true) known.set(workflowExecution.workflowId, { ...asked, status: 'CANCELLED' });
      cancelled.push({ id: workflowExecution.workflowId, identity, ...(reason === undefined ? {} : { reason }) });
    },
  };
  // Without a limit, what waits for a worker that is not there would wait for ever.
  const deadlines = new AsyncLocalStorage<number>();
  const withDeadline = (deadline: number, call: () => Promise<unknown>): Promise<unknown> => {
    limits.push(deadline - Date.now());
    return deadlines.run(deadline, call);
  };
  const untilDeadline = (): never => {
    const name = deadlines.getStore() === undefined ? 'WouldWaitForEver' : 'WorkflowUpdateRPCTimeoutOrCancelledError';
    throw Object.assign(new Error('deadline exceeded'), { name });
  };
  const fake = {
    temporal: {
      workflow,
      workflowService,
      connection: { withDeadline },
      options: { namespace: 'default', identity: '1@here' },
    },
    target: { options: {}, namespace: 'default', timing: LOCAL_TIMING, dev: null },
    close: async () => undefined,
  };
  // Safe: the functions under test use these members of a client only.
  return { client: fake as unknown as TemperClient, started, asked, cancelled, limits };
}
