import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createControlActivities } from './activities/control.js';
import { createHostActivities } from './activities/host.js';
import { logAttributes } from './activities/log-attributes.js';
import { resolveTarget, type ConnectFlags, type Target } from './client/connect.js';
import { stayRegistered } from './client/register.js';
import { readConfig, type Config } from './config.js';
import { TemperError } from './domain/errors.js';
import { controlQueue, hostQueue } from './domain/ids.js';
import type { HostContext } from './host/context.js';
import { readHostFence } from './host/fence/host-fence.js';
import { makeFolder } from './host/make-folder.js';
import { announcedMachineId } from './host/probe.js';
import { hostContext } from './host/this-host.js';
import { makeLogger, temporalLogger } from './logger.js';
import type { HostRecord } from './schemas/host.js';

/** What a worker is for. */
export interface WorkerOptions {
  readonly role: 'control' | 'host';
  readonly fleet: string;
  /** Name of the host in its fleet; the machine's host name when left out. Role host only. */
  readonly name?: string;
  /** Folder on the host's own disk. Role host only. */
  readonly scratch?: string;
  /** Address at which other hosts reach this one for training; loopback when left out. */
  readonly address?: string;
  readonly labels?: readonly string[];
  readonly flags: ConnectFlags;
}

/** Short calls never wait behind long work: they have a queue and slots of their own. */
const CTL_SLOTS = 20;
/** Long work on one host: a few downloads and checks beside one training. */
const RUN_SLOTS = 8;
/** Two long polls per queue: 128 hosts with the default of ten each would hold 2560 for nothing. */
const POLLERS = { type: 'simple-maximum', maximum: 2 } as const;
/** Few workflows, each with a small state. */
const CACHED_WORKFLOWS = 50;
/**
 * How long a workflow's next step is kept for the worker that has it in memory. Each step of each run waits this long
 * after that worker was killed, although another one is there; the SDK's own 10 s are the most.
 */
const MOST_STICKY_MS = 10_000;

/** Runs a worker until it is asked to stop (SIGTERM, SIGINT); training goes on without it. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const config = readConfig();
  const name = options.name ?? hostname().toLowerCase();
  const who = options.role === 'control' ? 'control' : name;
  const logger = makeLogger(config.logLevel, { role: options.role, host: who, pid: process.pid });
  // Before the runtime: what fails here must end the process, and an installed runtime keeps it alive.
  const target = await resolveTarget(options.flags, config);
  const runtime = Runtime.install({
    logger: temporalLogger(logger),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
  });
  const stop = stopSignal();
  const connection = await connectPatiently(target, logger, stop);
  if (connection === null) return runtime.shutdown();
  try {
    const common = { connection, namespace: target.namespace, identity: `${who}:${options.role}:${process.pid}` };
    if (options.role === 'control') {
      await runControl(options.fleet, { target, common, config });
    } else {
      const host = hostContext({ config, name, options });
      await runHost(host, { target, common, labels: options.labels ?? [], logger, stop });
    }
  } finally {
    await connection.close();
  }
}

interface Common {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly identity: string;
}

interface ControlRun {
  readonly target: Target;
  readonly common: Common;
  readonly config: Config;
}

async function runControl(fleet: string, { target, common, config }: ControlRun): Promise<void> {
  const codePath = join(config.root, 'dist', 'workflow-bundle.js');
  await assertBuilt(codePath);
  const worker = await Worker.create({
    ...common,
    taskQueue: controlQueue(fleet),
    workflowBundle: { codePath },
    activities: createControlActivities(),
    interceptors: { activity: [logAttributes] },
    maxCachedWorkflows: CACHED_WORKFLOWS,
    stickyQueueScheduleToStartTimeout: Math.min(MOST_STICKY_MS, target.timing.heartbeatTimeoutMs / 3),
    shutdownGraceTime: '2s',
    shutdownForceTime: '10s',
  });
  await worker.run();
}

interface HostRun {
  readonly target: Target;
  readonly common: Common;
  readonly labels: readonly string[];
  readonly logger: Logger;
  readonly stop: AbortSignal;
}

async function runHost(host: HostContext, { target, common, labels, logger, stop }: HostRun): Promise<void> {
  await makeFolder(host.scratch);
  await assertBuilt(host.keeperBundle);
  const activities = createHostActivities(host);
  const make = (kind: 'ctl' | 'run', slots: number): Promise<Worker> =>
    Worker.create({
      ...common,
      taskQueue: hostQueue(host.fleet, host.name, kind),
      activities,
      interceptors: { activity: [logAttributes] },
      maxConcurrentActivityTaskExecutions: slots,
      activityTaskPollerBehavior: POLLERS,
      maxHeartbeatThrottleInterval: target.timing.heartbeatThrottleMs,
      // The commands are not ours: an attempt only detaches, which takes no time.
      shutdownGraceTime: '1s',
      shutdownForceTime: '10s',
    });
  const ended = new AbortController();
  let leave = async (): Promise<void> => undefined;
  try {
    leave = await stayRegistered(
      recordOf(host, labels),
      host.fleet,
      target,
      logger,
      AbortSignal.any([stop, ended.signal]),
    );
    const workers = await Promise.all([make('ctl', CTL_SLOTS), make('run', RUN_SLOTS)]);
    await Promise.all(workers.map((worker) => worker.run()));
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    ended.abort();
    await leave();
  }
}

function recordOf({ name, address, scratch }: HostContext, labels: readonly string[]): () => Promise<HostRecord> {
  const startedAt = new Date().toISOString();
  return async () => ({
    v: 1,
    name,
    machineId: announcedMachineId(),
    pid: process.pid,
    address,
    labels: [...labels],
    scratch,
    startedAt,
    lease: (await readHostFence(scratch))?.lease ?? 0,
  });
}

/**
 * Asked to stop before there is a worker: the SDK takes the signals from the start, but only running workers
 * follow them.
 */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** A server that is just starting or away for a while is waited for; supervisors restart workers before servers. */
async function connectPatiently(target: Target, logger: Logger, stop: AbortSignal): Promise<NativeConnection | null> {
  while (!stop.aborted) {
    try {
      return await NativeConnection.connect(target.options);
    } catch (error) {
      logger.warn({ err: error, address: target.options.address }, 'the Temporal server does not answer yet');
      await sleep(1_000, undefined, { signal: stop }).catch(() => undefined);
    }
  }
  return null;
}

async function assertBuilt(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) !== null) return;
  throw new TemperError('Internal', {
    where: resolve(file),
    what: 'this installation is not built',
    fix: 'run npm start or node scripts/build.js once',
  });
}
