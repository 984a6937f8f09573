import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listKeepers } from '../../../src/host/keeper/client.js';
import { findUsers } from '../../support/sweep.js';
import { Managed, type ManagedSpec } from './managed.js';
import type { HostNetwork, Networks } from './networks.js';
import { openProxy, type Proxy } from './proxy.js';
import { workerArguments, workerEnvironment } from './worker-command.js';

interface HostPlace {
  readonly home: string;
  readonly name: string;
  /** Address of the server, host:port. */
  readonly server: string;
  readonly workspace: string;
  /** null: the network of this machine. */
  readonly networks: Networks | null;
}

/** Whether hosts get mount namespaces of their own, in which the workspace can vanish for one of them. */
export const CAN_CUT_WORKSPACE =
  process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0;

/** A host: its worker, its scratch folder, and its ways to the server and to the workspace. */
export class FaultHost {
  readonly name: string;
  readonly scratch: string;
  readonly worker: Managed;
  readonly #way: Proxy;
  readonly #network: HostNetwork | null;
  readonly #place: HostPlace;
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  #isWorkspaceCut = false;

  private constructor(place: HostPlace, way: Proxy, env: Readonly<NodeJS.ProcessEnv>) {
    this.#place = place;
    this.#way = way;
    this.#network = place.networks?.plug() ?? null;
    this.#env = env;
    this.name = place.name;
    this.scratch = join(place.home, 'hosts', place.name);
    this.worker = new Managed(this.#spec());
  }

  static async make(place: HostPlace): Promise<FaultHost> {
    const way = await openProxy(place.server, place.networks?.serverSide);
    const env = await workerEnvironment(join(place.home, `home-${place.name}`), way.address);
    const host = new FaultHost(place, way, env);
    await mkdir(host.scratch, { recursive: true });
    return host;
  }

  /** Starts the worker of another release. */
  startRelease(root: string): void {
    this.worker.start(this.#spec(root));
  }

  /** Nothing comes to the server from here, or back. */
  cutServer(): void {
    if (this.#network === null) this.#way.cut();
    else this.#network.cutServer();
  }

  /** The workspace is an empty folder for everything on this host. Only where `CAN_CUT_WORKSPACE`. */
  cutWorkspace(): void {
    const { workspace } = this.#place;
    inNamespaceOf(this.worker.pid, ['mount', '-t', 'tmpfs', 'none', workspace]);
    this.#isWorkspaceCut = true;
  }

  /** Power is lost: worker, keepers and ranks are gone at once. */
  async losePower(): Promise<void> {
    await this.worker.end('SIGKILL');
    this.#isWorkspaceCut = false;
    // Whatever a killed process had started meanwhile is found by the next look.
    for (let left = findUsers(this.scratch); left.length > 0; left = findUsers(this.scratch)) {
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended meanwhile.
        }
      }
    }
  }

  /** The ways are whole again. */
  async heal(): Promise<void> {
    this.#network?.heal();
    this.#way.heal();
    if (!this.#isWorkspaceCut) return;
    this.#isWorkspaceCut = false;
    inNamespaceOf(this.worker.pid, ['umount', '--lazy', this.#place.workspace]);
  }

  async close(): Promise<void> {
    await this.#way.close();
  }

  /** Keepers of a run's training here. */
  trainings(run: string): ReturnType<typeof listKeepers> {
    return listKeepers(this.scratch).filter(({ id }) => id.startsWith(`${run}.train.`));
  }

  /** Local sockets of this host, as the kernel lists them. */
  unixSockets(): string {
    return this.#network?.unixSockets() ?? readFileSync('/proc/net/unix', 'utf8');
  }

  #spec(root?: string): ManagedSpec {
    const at = this.#network === null ? [] : ['--train-address', this.#network.trainAddress];
    const role = ['--role', 'host', '--name', this.name, '--scratch', this.scratch, ...at];
    const [command = '', ...args] = [
      ...(this.#network?.enter ?? []),
      ...(CAN_CUT_WORKSPACE ? ['unshare', '--mount', '--propagation', 'private'] : []),
      ...[process.execPath, ...workerArguments(role, root)],
    ];
    // Its scratch folder in the environment is how its processes are found, keepers and ranks included.
    const env = { ...this.#env, TEMPER_TEST_SCRATCH: this.scratch };
    return {
      command,
      args,
      cwd: this.#place.home,
      env,
      logFile: join(this.#place.home, `worker-${this.name}.log`),
    };
  }
}

function inNamespaceOf(pid: number | null, command: readonly string[]): void {
  if (pid === null) throw new Error('the host has no worker whose namespace could be entered');
  const { status, stderr } = spawnSync('nsenter', ['--target', String(pid), '--mount', ...command], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}
