import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { DEV_NAMESPACE } from '../../../src/cli/dev/layout.js';
import { serverSpec } from '../../../src/cli/dev/server.js';
import { waitFor } from '../../e2e/support/dev.js';
import { temporalCliPath } from '../../support/dev-server.js';
import { freePorts } from '../../support/ports.js';
import { Managed } from './managed.js';

/** An embedded server that stays away for as long as a test wants, and comes back at the same address. */
export interface FaultServer {
  readonly address: string;
  readonly process: Managed;
  /** Starts it on its database and waits until it answers. */
  start(): Promise<void>;
  /** Kills it and removes its database. */
  wipe(): Promise<void>;
}

/** Starts a server whose database and log lie in `folder`. */
export async function startFaultServer(folder: string): Promise<FaultServer> {
  const [port = 0, uiPort = 0, httpPort = 0] = await freePorts(3);
  const address = `127.0.0.1:${port}`;
  const database = join(folder, 'temporal.db');
  const options = {
    cli: temporalCliPath(),
    database,
    namespace: DEV_NAMESPACE,
    logs: folder,
    cwd: folder,
    env: process.env,
  };
  const server = new Managed(serverSpec(options, { port, uiPort, httpPort }));
  const start = async (): Promise<void> => {
    server.start();
    await waitFor(
      'the server',
      () => answers(address),
      () => server.tail(),
    );
  };
  await start();
  return {
    address,
    process: server,
    start,
    wipe: async () => {
      await server.end('SIGKILL');
      for (const suffix of ['', '-wal', '-shm']) await rm(`${database}${suffix}`, { force: true });
    },
  };
}

async function answers(address: string): Promise<true | null> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1_000 });
    try {
      await connection.workflowService.describeNamespace({ namespace: DEV_NAMESPACE });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return null;
  }
}
