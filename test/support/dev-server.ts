import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEV_NAMESPACE } from '../../src/cli/dev/layout.js';
import { startServer } from '../../src/cli/dev/server.js';
import { findTemporalCli } from '../../src/cli/dev/temporal-cli.js';
import { processEnv } from '../../src/config.js';
import { expectNoLeftovers, killUsers } from './sweep.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** An embedded Temporal server for tests, with a database in a folder of its own. */
export interface TestServer {
  readonly address: string;
  readonly namespace: string;
  /** Temporary folder of the server; tests may put more into it, it is removed at the end. */
  readonly folder: string;
  /** Pid of the server that runs now, or null between a kill and the restart. */
  pid(): number | null;
  /** SIGKILL; the server comes back by itself on the same address with its history. */
  kill(): void;
  /** Ends the server, removes the folder, and throws when any process that used the folder is left. */
  stop(): Promise<void>;
}

/** Path of the `temporal` program that set-up installed; for `existing-path` of the SDK's test environments. */
export function temporalCliPath(): string {
  return findTemporalCli({ root: ROOT, home: join(ROOT, '.temper'), env: processEnv() });
}

/** Starts a server on free ports and waits until it answers. */
export async function startTestServer(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'temper-server-'));
  try {
    const server = await startServer(
      {
        cli: temporalCliPath(),
        database: join(folder, 'temporal.db'),
        namespace: DEV_NAMESPACE,
        logs: folder,
        cwd: folder,
        env: {},
      },
      { onChange: () => undefined, tell: () => undefined },
    );
    const pid = (): number | null => server.service.current()?.pid ?? null;
    return {
      address: server.address,
      namespace: DEV_NAMESPACE,
      folder,
      pid,
      kill: () => {
        const current = pid();
        if (current !== null) process.kill(current, 'SIGKILL');
      },
      stop: async () => {
        await server.service.stop(() => performance.now() + 5_000);
        await expectNoLeftovers(folder);
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await killUsers(folder);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
