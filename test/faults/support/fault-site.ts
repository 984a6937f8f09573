import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TemperClient } from '../../../src/client/connect.js';
import { getFleet } from '../../../src/client/fleet.js';
import { fleetWorkflowId, hostQueue } from '../../../src/domain/ids.js';
import { stopAll } from '../../../src/host/keeper/stop-all.js';
import type { Timing } from '../../../src/schemas/timing.js';
import { waitFor } from '../../e2e/support/dev.js';
import { expectNoLeftovers, killUsers } from '../../support/sweep.js';
import { FaultHost } from './fault-host.js';
import { Managed } from './managed.js';
import { Networks } from './networks.js';
import { startFaultServer, type FaultServer } from './server.js';
import { TIMING } from './timing.js';
import { FLEET, workerArguments, workerEnvironment } from './worker-command.js';

interface Parts {
  readonly home: string;
  readonly server: FaultServer;
  readonly control: Managed;
  readonly client: TemperClient;
  readonly networks: Networks | null;
}

/** A server, a control worker and some hosts, all processes of their own, which tests damage one by one. */
export class FaultSite {
  readonly home: string;
  readonly workspace: string;
  readonly server: FaultServer;
  readonly control: Managed;
  readonly client: TemperClient;
  readonly #hosts = new Map<string, FaultHost>();
  readonly #networks: Networks | null;
  #spare: string | null = null;

  private constructor({ home, server, control, client, networks }: Parts) {
    this.home = home;
    this.workspace = join(home, 'workspace');
    this.server = server;
    this.control = control;
    this.client = client;
    this.#networks = networks;
  }

  /** Starts everything. The spare is a host that no lease gets, but within `withSpare`. */
  static async open({
    hosts,
    spare,
    timing = {},
    haveNetworks = false,
  }: {
    readonly hosts: readonly string[];
    readonly spare: string;
    /** Timers that differ from those of the suite. */
    readonly timing?: Partial<Timing>;
    /** Each host has network interfaces of its own. */
    readonly haveNetworks?: boolean;
  }): Promise<FaultSite> {
    const home = await mkdtemp(join(tmpdir(), 'temper-faults-'));
    const networks = haveNetworks ? new Networks() : null;
    try {
      const server = await startFaultServer(home);
      const env = await workerEnvironment(join(home, 'control'), server.address);
      const control = new Managed({
        command: process.execPath,
        args: workerArguments(['--role', 'control']),
        cwd: home,
        env,
        logFile: join(home, 'control.log'),
      });
      control.start();
      const client = await connect({ address: server.address, namespace: 'default' });
      const target = { ...client.target, timing: { ...TIMING, ...timing } };
      const site = new FaultSite({ home, server, control, client: { ...client, target }, networks });
      await mkdir(site.workspace);
      for (const name of [...hosts, spare]) await site.addHost(name);
      site.#spare = spare;
      await site.#hideSpare();
      return site;
    } catch (error) {
      await killUsers(home);
      networks?.close();
      await rm(home, { recursive: true, force: true });
      throw error;
    }
  }

  get hosts(): readonly FaultHost[] {
    return [...this.#hosts.values()];
  }

  host(name: string): FaultHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** What the workers said last, for a test that failed. */
  told(): string {
    return this.hosts.map(({ name, worker }) => `-- ${name}\n${worker.tail()}`).join('\n');
  }

  /** Scratch folders by host, for the readers of records. */
  get scratch(): ReadonlyMap<string, string> {
    return new Map(this.hosts.map(({ name, scratch }) => [name, scratch]));
  }

  /** Starts a host, and waits until its fleet knows it. */
  async addHost(name: string): Promise<FaultHost> {
    const host = await FaultHost.make({
      home: this.home,
      name,
      server: this.server.address,
      workspace: this.workspace,
      networks: this.#networks,
    });
    this.#hosts.set(name, host);
    await this.startHosts([host]);
    return host;
  }

  /** Starts the workers of hosts that have none, and waits until the fleet knows these very processes. */
  async startHosts(hosts: readonly FaultHost[] = this.hosts): Promise<void> {
    for (const host of hosts) if (host.worker.pid === null) host.worker.start();
    await waitFor(
      `${hosts.map(({ name }) => name).join(', ')} in the fleet`,
      async () => {
        const known = (await getFleet(this.client, FLEET).catch(() => null))?.hosts ?? [];
        return hosts.every(({ name, worker }) => known.some((one) => one.name === name && one.pid === worker.pid))
          ? true
          : null;
      },
      () => hosts.map(({ worker }) => worker.tail()).join('\n'),
    );
  }

  /** Workers begin anew, as operators let them after the server lost what it knew of them. */
  async reopenFleet(): Promise<void> {
    await Promise.all([...this.hosts.map(({ worker }) => worker), this.control].map((one) => one.end('SIGKILL')));
    this.control.start();
    await this.startHosts();
    await this.#hideSpare();
  }

  /** Lets leases have the spare while some work is done. */
  async withSpare(isWanted: boolean, work: () => Promise<void>): Promise<void> {
    if (!isWanted) return work();
    const spare = this.#spare;
    this.#spare = null;
    await this.repair();
    try {
      await work();
    } finally {
      this.#spare = spare;
      await this.#hideSpare();
    }
  }

  /** All is as it was before a fault: server and workers run, no way is cut, no host is set aside. */
  async repair(): Promise<void> {
    if (this.server.process.pid === null) await this.server.start();
    if (this.control.pid === null) this.control.start();
    for (const host of this.hosts) await host.heal();
    await this.startHosts();
    for (const { host } of (await getFleet(this.client, FLEET)).setAside ?? []) {
      if (host !== this.#spare) await this.#fleet.signal('takeHostBack', { v: 1, host });
    }
    await this.#untilAside(this.#spare === null ? [] : [this.#spare]);
    await Promise.all(this.hosts.map((host) => this.#untilAnswering(host)));
  }

  /** A worker that sat idle while the server was killed learns of it late: only an answer tells that it polls again. */
  async #untilAnswering({ name, worker }: FaultHost): Promise<void> {
    for (const kind of ['ctl', 'run'] as const) {
      await waitFor(
        `an answer of ${name} on its ${kind} queue`,
        async () => {
          const call = this.client.temporal.activity.execute('callHost', {
            id: `call/${randomUUID()}`,
            taskQueue: hostQueue(FLEET, name, kind),
            args: [{ v: 1, op: 'probe' }],
            scheduleToCloseTimeout: 10_000,
            scheduleToStartTimeout: 2_000,
            retry: { maximumAttempts: 1 },
          });
          return (await call.catch(() => null)) === null ? null : true;
        },
        () => worker.tail(),
      );
    }
  }

  get #fleet() {
    return this.client.temporal.workflow.getHandle(fleetWorkflowId(FLEET));
  }

  async #hideSpare(): Promise<void> {
    const host = this.#spare;
    if (host === null) return;
    const at = new Date().toISOString();
    await this.#fleet.signal('setHostAside', { v: 1, host, kind: 'cordoned', reason: 'a spare for some tests', at });
    await this.#untilAside([host]);
  }

  #untilAside(hosts: readonly string[]): Promise<true> {
    return waitFor('the fleet to know who may be used', async () => {
      const aside = ((await getFleet(this.client, FLEET)).setAside ?? []).map(({ host }) => host);
      return aside.join() === hosts.join() ? true : null;
    });
  }

  /** Ends everything, and throws when any process is left. */
  async stop(): Promise<void> {
    await this.client.close();
    await Promise.all([...this.hosts.map(({ worker }) => worker), this.control].map((one) => one.end('SIGKILL')));
    for (const host of this.hosts) {
      await host.close();
      await stopAll(host.scratch, { reason: 'end of the test', graceMs: 0 });
    }
    await this.server.process.end('SIGTERM');
    try {
      await expectNoLeftovers(this.home);
    } finally {
      this.#networks?.close();
      await rm(this.home, { recursive: true, force: true });
    }
  }
}
