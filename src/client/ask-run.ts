import { TemperError } from '../domain/errors.js';
import { answeredWith } from './answered-with.js';
import type { TemperClient } from './connect.js';

/** An update of a run's workflow, and what it asks for in words. */
export interface RunUpdate {
  readonly run: string;
  readonly workflowId: string;
  readonly update: 'pauseRun' | 'resumeRun';
  /** As in "the request to …". */
  readonly verb: string;
  readonly arg: unknown;
}

/**
 * Sends an update and waits for its answer, but not for ever: a live control worker accepts it at once, and answers
 * when commands have had their grace to stop.
 */
export async function askRun(
  client: TemperClient,
  { run, workflowId, update, verb, arg }: RunUpdate,
): Promise<unknown> {
  const { temporal, target } = client;
  const { callTimeoutMs, stopGraceMs } = target.timing;
  const within = async <T>(limitMs: number, what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await temporal.connection.withDeadline(Date.now() + limitMs, call);
    } catch (error) {
      throw isTimeout(error)
        ? unanswered(run, `${what} within ${Math.round(limitMs / 1000)} s`, error)
        : (answeredWith(error) ?? error);
    }
  };
  const handle = await within(callTimeoutMs, `no control worker took the request to ${verb} run ${run}`, () =>
    temporal.workflow.getHandle(workflowId).startUpdate(update, { args: [arg], waitForStage: 'ACCEPTED' }),
  );
  return within(2 * callTimeoutMs + stopGraceMs, `run ${run} took the request to ${verb} it, but did not answer`, () =>
    handle.result(),
  );
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError';
}

function unanswered(run: string, what: string, cause: unknown): TemperError {
  return new TemperError(
    'Unreachable',
    {
      where: run,
      what,
      why: 'the request may still take effect once a control worker answers',
      fix: `start a control worker (temper worker --role control); temper status ${run} tells what became of it`,
    },
    { cause },
  );
}
