import { join, resolve } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createControlActivities } from '../../../src/activities/control.js';
import { registerHost } from '../../../src/client/fleet.js';
import { controlQueue, fleetWorkflowId, gangWorkflowId, hostQueue } from '../../../src/domain/ids.js';
import { LOCAL_TIMING } from '../../../src/domain/timing.js';
import type { FleetState } from '../../../src/schemas/host.js';
import type { GangInput, StageDone } from '../../../src/schemas/stage-calls.js';
import type { Timing } from '../../../src/schemas/timing.js';
import { startTestServer, type TestServer } from '../../support/dev-server.js';
import { recordHistory } from '../../support/record-history.js';
import type { World } from './world.js';

const BUNDLE = join(resolve(import.meta.dirname, '../../..'), 'dist/workflow-bundle.js');

/** Timers that tests can wait for, in their order. */
export const TIMING: Timing = {
  ...LOCAL_TIMING,
  heartbeatIntervalMs: 200,
  heartbeatThrottleMs: 300,
  heartbeatTimeoutMs: 3_000,
  probeTimeoutMs: 4_000,
  fenceTimeoutMs: 6_000,
  scheduleToStartMs: 4_000,
  callTimeoutMs: 3_000,
  stopGraceMs: 2_000,
};

/** A real server with a control worker, on which tests start simulated hosts. */
export interface Site {
  readonly client: Client;
  readonly server: TestServer;
  /** Hosts of a fleet of their own, all of one world. */
  open(world: World, hosts: readonly string[], options?: FleetOptions): Promise<Fleet>;
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly timing?: Timing;
  /** Long polls that each queue of a host holds; as many as the SDK likes when left out. */
  readonly pollers?: number;
}

/** A fleet of simulated hosts. */
export interface Fleet {
  readonly name: string;
  /** Starts `trainGang` on it. */
  train(over?: Partial<GangInput>): Promise<WorkflowHandle<(input: GangInput) => Promise<StageDone>>>;
  /** Ends the workers of a host, as a power cut would as far as the server can see. */
  lose(host: string): Promise<void>;
  /** Starts the workers of a host (again) and announces it. */
  add(host: string): Promise<void>;
  /** Registers a host, as its worker does at its start and every minute. */
  announce(host: string): Promise<void>;
  state(): Promise<FleetState>;
  /** Replays the histories of its workflows with the code as it is. */
  replay(): Promise<number>;
  close(): Promise<void>;
}

/** Starts the server; its fleets are named after the label, and so are recorded histories. */
export async function openSite(label: string): Promise<Site> {
  const server = await startTestServer();
  const native = await NativeConnection.connect({ address: server.address });
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection, namespace: server.namespace });
  let fleets = 0;
  const open: Fleet[] = [];
  return {
    client,
    server,
    async open(world, hosts, options = {}) {
      fleets += 1;
      const fleet = await openFleet({ server, native, client }, `${label}-${fleets}`, world, hosts, options);
      open.push(fleet);
      return fleet;
    },
    async stop() {
      for (const fleet of open) await fleet.close();
      await connection.close();
      await native.close();
      await server.stop();
    },
  };
}

interface Ground {
  readonly server: TestServer;
  readonly native: NativeConnection;
  readonly client: Client;
}

async function openFleet(
  { server, native, client }: Ground,
  name: string,
  world: World,
  hosts: readonly string[],
  { timing = TIMING, pollers }: FleetOptions,
): Promise<Fleet> {
  const common = {
    connection: native,
    namespace: server.namespace,
    shutdownGraceTime: '10ms',
    shutdownForceTime: '5s',
  } as const;
  const control = runner(
    await Worker.create({
      ...common,
      taskQueue: controlQueue(name),
      workflowBundle: { codePath: BUNDLE },
      activities: createControlActivities(),
    }),
  );
  const running = new Map<string, Runner[]>();
  const lines = new Lines(server.address);
  const lose = async (host: string): Promise<void> => {
    const workers = running.get(host) ?? [];
    running.delete(host);
    await Promise.all(workers.map((worker) => worker.stop()));
  };
  const announce = async (host: string): Promise<void> => {
    const record = {
      v: 1 as const,
      name: host,
      machineId: host,
      pid: 1,
      address: world.addresses.get(host) ?? '127.0.0.1',
      labels: [],
      scratch: '/s',
      startedAt: '',
    };
    await registerHost(client, name, record, timing);
  };
  const add = async (host: string): Promise<void> => {
    const activities = world.activitiesOf(host);
    const connection = await lines.next();
    const make = (kind: 'ctl' | 'run') =>
      Worker.create({
        ...common,
        connection,
        taskQueue: hostQueue(name, host, kind),
        activities,
        maxHeartbeatThrottleInterval: timing.heartbeatThrottleMs,
        ...(pollers === undefined
          ? {}
          : { activityTaskPollerBehavior: { type: 'simple-maximum' as const, maximum: pollers } }),
      });
    running.set(host, (await Promise.all([make('ctl'), make('run')])).map(runner));
    await announce(host);
  };
  for (const host of hosts) await add(host);
  const run = `run-${name}`;
  return {
    name,
    lose,
    add,
    announce,
    train: (over = {}) =>
      client.workflow.start<(input: GangInput) => Promise<StageDone>>('trainGang', {
        workflowId: gangWorkflowId(run),
        taskQueue: controlQueue(name),
        args: [{ ...inputOf(name, run, hosts, timing), ...over }],
      }),
    state: () => client.workflow.getHandle(fleetWorkflowId(name)).query<FleetState>('getFleet'),
    async replay() {
      const ids = [gangWorkflowId(run), fleetWorkflowId(name)];
      let replayed = 0;
      for (const workflowId of ids) {
        for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
          const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
          await Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history, workflowId);
          replayed += 1;
          const name = `${workflowId.replaceAll('/', '_')}-${replayed}`;
          await recordHistory(server.address, { workflowId, runId, name });
        }
      }
      return replayed;
    },
    async close() {
      await client.workflow
        .getHandle(gangWorkflowId(run))
        .terminate('end of the test')
        .catch(() => undefined);
      await client.workflow
        .getHandle(fleetWorkflowId(name))
        .terminate('end of the test')
        .catch(() => undefined);
      await Promise.all([...running.keys()].map(lose));
      await control.stop();
      await lines.close();
    },
  };
}

/** Hosts that share a connection: a hundred long polls on one leave no room for answers. */
const HOSTS_PER_LINE = 16;

/** Connections of hosts, which have one each in a real fleet. */
class Lines {
  readonly #address: string;
  readonly #open: Promise<NativeConnection>[] = [];
  #hosts = 0;

  constructor(address: string) {
    this.#address = address;
  }

  next(): Promise<NativeConnection> {
    const index = Math.floor(this.#hosts / HOSTS_PER_LINE);
    this.#hosts += 1;
    return (this.#open[index] ??= NativeConnection.connect({ address: this.#address }));
  }

  async close(): Promise<void> {
    for (const connection of this.#open) await (await connection).close();
  }
}

interface Runner {
  stop(): Promise<void>;
}

function runner(worker: Worker): Runner {
  const done = worker.run();
  // An error of a worker that is still needed shows itself in the test that waits for it.
  done.catch(() => undefined);
  return {
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done.catch(() => undefined);
    },
  };
}

function inputOf(fleet: string, run: string, hosts: readonly string[], timing: Timing): GangInput {
  return {
    v: 1,
    fleet,
    hosts: 2,
    probeHosts: [...hosts],
    environmentDigest: 'env',
    spares: 0,
    recovery: { maxRestartsWithoutProgress: 3, spareWaitMs: 20_000, onUnknown: 'restart' },
    call: {
      v: 1,
      run,
      owner: { workflowId: `temper/run/${run}`, firstRunId: 'first', runId: 'first' },
      workspace: '/w',
      specDigest: 'spec',
      stage: {
        name: 'train',
        title: 'train',
        needs: [],
        placement: 'gang',
        fingerprint: 'f',
        programs: [],
        sources: [],
        resources: { diskBytes: 0, ramBytes: 0 },
        timeoutMs: 600_000,
      },
      needs: [],
      tryNumber: 1,
      isFresh: false,
      timing,
    },
  };
}
