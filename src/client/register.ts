import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { TemperError } from '../domain/errors.js';
import type { HostContext } from '../host/context.js';
import { announcedMachineId } from '../host/probe.js';
import type { HostRecord } from '../schemas/host.js';
import type { Target } from './connect.js';
import { registerHost } from './fleet.js';

/** A fleet that lost its database has forgotten its hosts; they announce themselves again this often. */
const AGAIN_MS = 60_000;
const RETRY_MS = 1_000;
const ANSWER_MS = 15_000;

/**
 * Announces a host to its fleet and keeps it announced. Returns after the first acceptance, waiting for server and
 * control worker as long as it takes; a refusal (another live machine has the name) is an error.
 */
export async function stayRegistered(
  host: HostContext,
  target: Target,
  labels: readonly string[],
  logger: Logger,
): Promise<{ stop(): void }> {
  const record: HostRecord = {
    v: 1,
    name: host.name,
    machineId: announcedMachineId(),
    pid: process.pid,
    address: host.address,
    labels: [...labels],
    scratch: host.scratch,
    startedAt: new Date().toISOString(),
  };
  const connection = Connection.lazy(target.options);
  const temporal = new Client({ connection, namespace: target.namespace });
  const announce = async (): Promise<void> => {
    const answer = await connection.withDeadline(Date.now() + ANSWER_MS, () => registerHost(temporal, host.fleet, record, target.timing));
    if (!answer.accepted) throw new TemperError('UsageInvalid', { where: host.name, what: answer.why ?? 'the fleet refused this host', fix: 'give this host another --name, or stop the other worker' });
  };
  const abort = new AbortController();
  await announceUntilAccepted(announce, logger);
  void repeat(announce, abort.signal, logger).finally(() => connection.close());
  return { stop: () => abort.abort() };
}

async function announceUntilAccepted(announce: () => Promise<void>, logger: Logger): Promise<void> {
  for (;;) {
    try {
      return await announce();
    } catch (error) {
      if (error instanceof TemperError) throw error;
      logger.warn({ err: error }, 'the fleet does not answer yet');
      await sleep(RETRY_MS);
    }
  }
}

async function repeat(announce: () => Promise<void>, signal: AbortSignal, logger: Logger): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(AGAIN_MS, undefined, { signal });
      await announce();
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'the fleet did not take the announcement');
    }
  }
}
