import { defaultPayloadConverter, type Client } from '@temporalio/client';
import type { TemperClient } from './connect.js';

type Page = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistoryReverse']>>;
/** One event of a history, as the server keeps it. */
export type HistoryEvent = NonNullable<NonNullable<Page['history']>['events']>[number];

/** What a payload holds; null where there is none. */
export function decode(payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0] | null | undefined): unknown {
  return payload ? defaultPayloadConverter.fromPayload(payload) : null;
}

/** The events of a workflow, the newest first: what ended or stopped it is told by its last ones. */
export async function* eventsFromEnd(
  { temporal: { workflowService, options } }: TemperClient,
  { workflowId, runId }: { readonly workflowId: string; readonly runId: string },
): AsyncGenerator<HistoryEvent> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await workflowService.getWorkflowExecutionHistoryReverse({
      namespace: options.namespace,
      execution: { workflowId, runId },
      nextPageToken,
    });
    yield* page.history?.events ?? [];
    nextPageToken = page.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}
