import { mkdirSync } from 'node:fs';
import type { TemperClient } from '../../client/connect.js';
import { readDevState } from '../../client/connect.js';
import { processEnv, readConfig } from '../../config.js';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { acquireLock } from '../../host/keeper/lock.js';
import type { CommandContext } from '../context.js';
import { readSpecFile, tellSpecProblems } from '../spec-file.js';
import { connectDev } from './dev-client.js';
import { endProcesses } from './end-processes.js';
import { devLayout, DEV_NAMESPACE } from './layout.js';
import type { DevLayout } from './layout.js';
import { devMarker, findLeftovers } from './leftovers.js';
import { runSpec } from './run-spec.js';
import type { SpecToRun } from './run-spec.js';
import { startServer } from './server.js';
import { startService } from './service.js';
import type { Service, ServiceListener } from './service.js';
import { shutDown } from './shut-down.js';
import { devState, removeDevState, writeDevState } from './state.js';
import { listenForStop } from './stop-requests.js';
import type { StopRequests } from './stop-requests.js';
import { findTemporalCli } from './temporal-cli.js';
import { serviceEnvironment, workerSpecs } from './workers.js';

/** What `temper dev` is to serve. */
export interface DevOptions {
  /** Spec file to run; without one dev serves until it is asked to stop. */
  readonly run?: string;
  /** With `run`: start another run even when one is open. */
  readonly new?: boolean;
  /** Host workers; two are the smallest fleet on which a gang is one. */
  readonly hosts: number;
  /** Address of this machine that hosts announce for training; without it the loopback one. */
  readonly trainAddress?: string;
}

/** Time for processes of a lost dev to end in order. */
const LEFTOVER_GRACE_MS = 3_000;

/**
 * `temper dev`: an embedded Temporal server, a control worker and host workers as processes of their own, kept
 * alive until Ctrl-C or SIGTERM, which stop everything that was started, ranks included. With a spec: brings a run of
 * it to its end and answers the run's result. Only one dev runs per home folder.
 */
export async function runDev(context: CommandContext, options: DevOptions): Promise<ExitStatus> {
  const { root, home } = readConfig();
  const wanted = options.run === undefined ? null : await readWanted(context, options.run, options.new ?? false);
  if (options.run !== undefined && wanted === null) return EXIT.usage;
  const layout = devLayout(home, options.hosts);
  mkdirSync(layout.logs, { recursive: true });
  const lock = await acquireLock(layout.home);
  if (lock === null) throw await alreadyRunning(layout);
  const requests = listenForStop();
  try {
    const status = await serve(context, { layout, root, wanted, requests, trainAddress: options.trainAddress ?? null });
    // Served until asked to stop is well; a stop that was cut short is not.
    return wanted === null && requests.hurry.aborted ? EXIT.interrupted : status;
  } finally {
    requests.close();
    await lock.release();
  }
}

/** A spec is checked before anything is started. */
async function readWanted({ io, output }: CommandContext, file: string, isNew: boolean): Promise<SpecToRun | null> {
  const source = await readSpecFile(file, io.cwd);
  const spec = tellSpecProblems(source, output);
  return spec === null ? null : { source, spec, isNew };
}

async function alreadyRunning({ home }: DevLayout): Promise<TemperError> {
  const state = await readDevState(home);
  const first = state?.processes.find(({ role }) => role === 'dev');
  return new TemperError('UsageInvalid', {
    where: home,
    what: `temper dev runs here already${first === undefined ? '' : ` (process ${first.pid}, ${state?.uiUrl})`}`,
    fix: 'use it (temper start FILE --watch), or stop it with Ctrl-C first; TEMPER_HOME=FOLDER runs another one',
  });
}

interface Serving {
  readonly layout: DevLayout;
  readonly root: string;
  readonly wanted: SpecToRun | null;
  readonly requests: StopRequests;
  readonly trainAddress: string | null;
}

async function serve(context: CommandContext, serving: Serving): Promise<ExitStatus> {
  const { layout, root, wanted, requests, trainAddress } = serving;
  const tell = (text: string): void => context.output.note(text);
  const env = serviceEnvironment(processEnv(), layout, devMarker(layout));
  const cli = findTemporalCli({ root, home: layout.home, env });
  await endLeftovers(layout, tell);
  const services: Service[] = [];
  let client: TemperClient | null = null;
  let server: Awaited<ReturnType<typeof startServer>> | null = null;
  let continued: string | null = null;
  let isOver = false;
  const listener: ServiceListener = {
    tell,
    onChange: () => {
      if (server !== null && !isOver) writeDevState(layout.stateFile, devState(server, services));
    },
  };
  try {
    const { database, logs } = layout;
    server = await startServer({ cli, database, logs, namespace: DEV_NAMESPACE, cwd: root, env }, listener);
    services.push(server.service);
    // On disk before the workers start: it tells them where the server is.
    listener.onChange();
    services.push(...workerSpecs(layout, { root, env, trainAddress }).map((spec) => startService(spec, listener)));
    listener.onChange();
    client = await connectDev(devState(server, services));
    tell(`Temporal UI  ${server.uiUrl}\nlogs         ${logs}\n`);
    if (wanted !== null && !requests.stop.aborted)
      return await runSpec(context, client, wanted, requests.stop, (run) => (continued = run));
    tell('serving; temper start FILE --watch runs a spec from another terminal, Ctrl-C stops everything');
    await aborted(requests.stop);
    return EXIT.ok;
  } finally {
    const workers = services.filter((service) => service !== server?.service);
    const stuck = await shutDown({
      layout,
      client,
      workers,
      server: server?.service ?? null,
      continued,
      hurry: requests.hurry,
      tell,
    });
    // Processes may tell their end after they are known to be gone.
    isOver = true;
    removeDevState(layout.stateFile);
    if (stuck.length > 0) tell(`these processes survived SIGKILL and hold their resources: ${stuck.join(', ')}`);
  }
}

/** A dev that was killed leaves its server and workers; training that it started goes on and is attached to again. */
async function endLeftovers(layout: DevLayout, tell: (text: string) => void): Promise<void> {
  const leftovers = findLeftovers(layout);
  if (leftovers.length > 0) tell(`ending ${leftovers.length} processes of an earlier temper dev that was killed`);
  const end = performance.now() + LEFTOVER_GRACE_MS;
  await endProcesses(leftovers, () => end);
  removeDevState(layout.stateFile);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
