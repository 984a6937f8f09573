import { spawnSync } from 'node:child_process';

/** Whether hosts can get networks of their own. */
export const CAN_CUT_NETWORK =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'probe', 'type', 'bridge'], { stdio: 'ignore' }).status === 0;

/** What a host is plugged into: one network leads to the server, the other one to the ranks of other hosts. */
const KINDS = { server: 18, training: 19 } as const;
type Kind = keyof typeof KINDS;

/**
 * Two networks for hosts that are machines of their own to the kernel: each is a network namespace with a cable to
 * either switch. A cable that is pulled swallows what is sent; nobody is told. Addresses are those that RFC 2544 sets
 * aside for benchmarks of networks.
 */
export class Networks {
  readonly #tag = `t${process.pid.toString(36)}`;
  readonly #subnet = freeSubnet();
  readonly #hosts: HostNetwork[] = [];

  /** Makes both switches; this process has an address on each of them. */
  constructor() {
    for (const kind of kinds()) {
      const bridge = this.#bridge(kind);
      ip('link', 'add', bridge, 'type', 'bridge');
      ip('addr', 'add', `${this.#address(kind, 1)}/24`, 'dev', bridge);
      ip('link', 'set', bridge, 'up');
    }
  }

  /** Where hosts reach what this process serves. */
  get serverSide(): string {
    return this.#address('server', 1);
  }

  /** A host with both cables. */
  plug(): HostNetwork {
    const number = this.#hosts.length + 2;
    const namespace = `${this.#tag}-${number}`;
    ip('netns', 'add', namespace);
    const host = new HostNetwork(namespace, this.#address('training', number), this.#cable('server', number));
    this.#hosts.push(host);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    for (const kind of kinds()) {
      const cable = this.#cable(kind, number);
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', kind, 'netns', namespace);
      ip('link', 'set', cable, 'master', this.#bridge(kind), 'up');
      ip('-n', namespace, 'addr', 'add', `${this.#address(kind, number)}/24`, 'dev', kind);
      ip('-n', namespace, 'link', 'set', kind, 'up');
    }
    return host;
  }

  /** Takes all of it away, when no process uses it any more. */
  close(): void {
    // A namespace goes some time after its name; its cables go at once when they are taken away from this side.
    for (const [index, { namespace }] of this.#hosts.entries()) {
      for (const kind of kinds()) ip('link', 'del', this.#cable(kind, index + 2));
      ip('netns', 'del', namespace);
    }
    for (const kind of kinds()) ip('link', 'del', this.#bridge(kind));
  }

  #bridge(kind: Kind): string {
    return `${this.#tag}-${kind.slice(0, 1)}`;
  }

  #cable(kind: Kind, number: number): string {
    return `${this.#bridge(kind)}${number}`;
  }

  #address(kind: Kind, number: number): string {
    return `198.${KINDS[kind]}.${this.#subnet}.${number}`;
  }
}

/** A host's network namespace. */
export class HostNetwork {
  readonly namespace: string;
  /** Where ranks of other hosts reach it. */
  readonly trainAddress: string;
  readonly #toServer: string;

  constructor(namespace: string, trainAddress: string, toServer: string) {
    this.namespace = namespace;
    this.trainAddress = trainAddress;
    this.#toServer = toServer;
  }

  /** Words before a command that let it run on this host's network. */
  get enter(): readonly string[] {
    return ['nsenter', this.#network];
  }

  /** Nothing comes to the server from here, or back; ranks still reach each other. */
  cutServer(): void {
    ip('link', 'set', this.#toServer, 'down');
  }

  heal(): void {
    ip('link', 'set', this.#toServer, 'up');
  }

  /** Local sockets of this host, locks of its keepers among them, which no other namespace shows. */
  unixSockets(): string {
    return run('nsenter', [this.#network, 'cat', '/proc/net/unix']);
  }

  get #network(): string {
    return `--net=/run/netns/${this.namespace}`;
  }
}

function kinds(): readonly Kind[] {
  return ['server', 'training'];
}

/** Third part of addresses that no other test on this machine uses. */
function freeSubnet(): number {
  const taken = run('ip', ['-o', '-4', 'addr']);
  for (let tries = 0, subnet = process.pid % 256; tries < 256; tries += 1, subnet = (subnet + 1) % 256)
    if (!taken.includes(` 198.${KINDS.server}.${subnet}.`)) return subnet;
  throw new Error('no subnet of 198.18.0.0/16 is free');
}

function ip(...args: readonly string[]): void {
  run('ip', args);
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
