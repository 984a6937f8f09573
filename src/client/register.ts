import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { TemperError } from '../domain/errors.js';
import type { HostRecord } from '../schemas/host.js';
import type { Target } from './connect.js';
import { leaveFleet, registerHost } from './fleet.js';

/** A fleet that lost its database has forgotten its hosts; they announce themselves again this often. */
const AGAIN_MS = 60_000;
const RETRY_MS = 1_000;
const ANSWER_MS = 15_000;
/** A worker that ends does not wait for a server that is away. */
const LEAVE_MS = 1_500;

/**
 * Announces a host to its fleet and keeps it announced. Returns after the first acceptance, waiting for server and
 * control worker as long as it takes; a refusal (another live machine has the name) is an error. `stop` ends it all.
 * Answers what takes the host out of the fleet again, for a worker that has ended in order.
 * @param record what is announced, asked for each time: the newest lease of the host changes
 */
export async function stayRegistered(
  record: () => Promise<HostRecord>,
  fleet: string,
  target: Target,
  logger: Logger,
  stop: AbortSignal,
): Promise<() => Promise<void>> {
  const connection = Connection.lazy(target.options);
  const temporal = new Client({ connection, namespace: target.namespace });
  const announce = async (): Promise<void> => {
    const host = await record();
    const answer = await connection.withDeadline(Date.now() + ANSWER_MS, () =>
      registerHost(temporal, fleet, host, target.timing),
    );
    if (!answer.accepted)
      throw new TemperError('UsageInvalid', {
        where: host.name,
        what: answer.why ?? 'the fleet refused this host',
        fix: 'give this host another --name, or stop the other worker',
      });
  };
  const end = (): Promise<void> => connection.close();
  try {
    await announceUntilAccepted(announce, logger, stop);
  } catch (error) {
    await end();
    throw error;
  }
  // Rejections are handled inside; the loop ends with the signal.
  const announcing = repeat(announce, stop, logger);
  return async () => {
    // An announcement under way must not come after this one.
    await Promise.race([announcing, sleep(LEAVE_MS, undefined, { ref: false })]);
    try {
      const host = await record();
      await connection.withDeadline(Date.now() + LEAVE_MS, () => leaveFleet(temporal, fleet, host));
    } catch (error) {
      logger.warn({ err: error }, 'the fleet does not know that this worker ends');
    } finally {
      await end();
    }
  };
}

async function announceUntilAccepted(announce: () => Promise<void>, logger: Logger, stop: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await announce();
    } catch (error) {
      if (error instanceof TemperError) throw error;
      logger.warn(
        { err: error },
        'the fleet does not answer yet; it needs a control worker: temper worker --role control',
      );
      await sleep(RETRY_MS, undefined, { signal: stop });
    }
  }
}

async function repeat(announce: () => Promise<void>, stop: AbortSignal, logger: Logger): Promise<void> {
  while (!stop.aborted) {
    try {
      await sleep(AGAIN_MS, undefined, { signal: stop });
      await announce();
    } catch (error) {
      if (!stop.aborted) logger.warn({ err: error }, 'the fleet did not take the announcement');
    }
  }
}
