import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemperError } from '../../domain/errors.js';
import { freePorts } from './ports.js';
import { serverSettings } from './server-settings.js';
import type { Service, ServiceListener, ServiceSpec } from './service.js';
import { startService } from './service.js';
import { setRetention } from './temporal-cli.js';

/** How long a healthy start may take on a slow disk; 0.2 to 2 seconds are usual. */
const READY_LIMIT_MS = 30_000;
const POLL_MS = 100;
/** Other programs choose ports too: one may be taken between choosing and binding it. */
const PORT_TRIES = 3;
const RETENTION_DAYS = 90;

/** A running embedded server; address and UI stay the same over its restarts. */
export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string;
  readonly service: Service;
}

/** How the embedded server is started. */
export interface ServerOptions {
  readonly cli: string;
  /** SQLite file; made when absent. */
  readonly database: string;
  readonly namespace: string;
  readonly logs: string;
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** Starts the embedded server on free loopback ports, waits until it answers, and sets 90 days of retention. */
export async function startServer(options: ServerOptions, listener: ServiceListener): Promise<TemporalServer> {
  for (let tries = 1; ; tries += 1) {
    const [port = 0, uiPort = 0, httpPort = 0] = await freePorts(3);
    const address = `127.0.0.1:${port}`;
    const service = startService(serverSpec(options, { port, uiPort, httpPort }), listener);
    try {
      await untilReady(service, options, address);
      return { address, uiUrl: `http://127.0.0.1:${uiPort}`, service };
    } catch (error) {
      await service.stop(() => performance.now());
      if (tries === PORT_TRIES) throw error;
      listener.tell('the embedded Temporal server did not start; trying other ports');
    }
  }
}

/** How the embedded server is started on chosen ports. */
export function serverSpec(
  { cli, database, logs, cwd, env }: ServerOptions,
  ports: { readonly port: number; readonly uiPort: number; readonly httpPort: number },
): ServiceSpec {
  const args = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(ports.port)],
    ...['--ui-port', String(ports.uiPort), '--http-port', String(ports.httpPort), '--ui-disable-news-fetch'],
    // WAL lets readers and the writer work side by side; 2 (FULL) survives a power loss, for 15 % of the speed.
    ...['--db-filename', database, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=2'],
    ...serverSettings(database),
    ...['--log-format', 'json', '--log-level', 'warn'],
  ];
  const logFile = join(logs, 'server.log');
  return { role: 'server', command: cli, args, cwd, env, logFile, isStdoutLogged: false };
}

async function untilReady(
  service: Service,
  { cli, env, namespace, logs }: ServerOptions,
  address: string,
): Promise<void> {
  const giveUpAt = performance.now() + READY_LIMIT_MS;
  for (;;) {
    try {
      return await setRetention(cli, env, { address, namespace, days: RETENTION_DAYS });
    } catch (error) {
      const end = service.lastEnd();
      if (end === null && performance.now() < giveUpAt) {
        await sleep(POLL_MS);
        continue;
      }
      throw new TemperError(
        'Unreachable',
        {
          where: address,
          what:
            end === null
              ? `the embedded Temporal server did not answer within ${READY_LIMIT_MS / 1000} s`
              : `the embedded Temporal server ended (${end})`,
          why: `its log is ${join(logs, 'server.log')}`,
          fix: 'read that log; a damaged database is moved away by renaming temporal.db in the same folder',
        },
        { cause: error },
      );
    }
  }
}
