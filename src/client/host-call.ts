import { randomUUID } from 'node:crypto';
import { errorText } from '../domain/text/error-text.js';
import { TemperError } from '../domain/errors.js';
import { hostQueue } from '../domain/ids.js';
import type { HostCall } from '../schemas/host-call.js';
import type { CollectCall } from '../schemas/retention.js';
import { answeredWith } from './answered-with.js';
import type { TemperClient } from './connect.js';

/** How long a call may wait for the host's worker to take it; a live one takes it at once. */
const ANSWER_MS = 5_000;

/** Asks one host. Reads are tried once: who asks decides about asking again. */
export async function hostCall(client: TemperClient, fleet: string, host: string, call: HostCall): Promise<unknown> {
  const { callTimeoutMs, stopGraceMs } = client.target.timing;
  // A look waits for the tools of the host's devices, as the same look of a launch may.
  const limitMs = call.op === 'doctor' ? callTimeoutMs + stopGraceMs : callTimeoutMs;
  try {
    return await client.temporal.activity.execute('callHost', {
      id: `call/${randomUUID()}`,
      taskQueue: hostQueue(fleet, host, 'ctl'),
      args: [call],
      scheduleToCloseTimeout: limitMs,
      scheduleToStartTimeout: Math.min(ANSWER_MS, limitMs),
      retry: { maximumAttempts: 1 },
    });
  } catch (error) {
    const told = answeredWith(error);
    if (told !== null) throw told;
    throw new TemperError(
      'HostUnreachable',
      { where: `${fleet}/${host}`, what: `the host did not answer (${call.op})`, why: reasonOf(error) },
      { cause: error },
    );
  }
}

/** How long a look at everything in a workspace may take. */
const COLLECT_MS = 6 * 3_600_000;

/** Removes what retention does not keep, or tells it, on the first host that takes the work. */
export async function collectOnHost(
  client: TemperClient,
  fleet: string,
  host: string,
  call: CollectCall,
): Promise<unknown> {
  const { heartbeatTimeoutMs, callTimeoutMs } = client.target.timing;
  try {
    return await client.temporal.activity.execute('collectGarbage', {
      id: `collect/${randomUUID()}`,
      taskQueue: hostQueue(fleet, host, 'run'),
      args: [call],
      scheduleToCloseTimeout: COLLECT_MS,
      scheduleToStartTimeout: Math.min(ANSWER_MS, callTimeoutMs),
      heartbeatTimeout: heartbeatTimeoutMs,
      retry: { maximumAttempts: 1 },
    });
  } catch (error) {
    throw (
      answeredWith(error) ??
      new TemperError(
        'HostUnreachable',
        { where: `${fleet}/${host}`, what: 'the host did not end the work', why: reasonOf(error) },
        { cause: error },
      )
    );
  }
}

/** Asks the hosts in turn until one answers. */
export async function callAnyHost(
  client: TemperClient,
  fleet: string,
  hosts: readonly string[],
  call: HostCall,
): Promise<unknown> {
  let last: unknown = new TemperError('NoHosts', { where: `fleet ${fleet}`, what: 'no host worker has registered' });
  for (const host of hosts) {
    try {
      return await hostCall(client, fleet, host, call);
    } catch (error) {
      // A host that says what is wrong has answered.
      if (!(error instanceof TemperError && error.problem.code === 'HostUnreachable')) throw error;
      last = error;
    }
  }
  throw last;
}

function reasonOf(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return errorText(current);
}
