import type { FleetInput, LeaseRequest } from '../schemas/fleet-calls.js';
import type { FleetState, HostRecord } from '../schemas/host.js';

export interface Grant {
  readonly request: LeaseRequest;
  readonly lease: number;
  readonly hosts: readonly HostRecord[];
}

/**
 * Hosts and leases of a fleet as plain state. Leases are all or nothing and strictly first come, first served:
 * handing out a part would let two half-served gangs wait for each other for ever.
 */
export class FleetBook {
  readonly #hosts = new Map<string, HostRecord>();
  #leases: { request: LeaseRequest; lease: number; hosts: string[] }[];
  #waiting: LeaseRequest[];
  #nextLease: number;

  constructor(input: Pick<FleetInput, 'hosts' | 'leases' | 'waiting' | 'nextLease'>) {
    for (const host of input.hosts) this.#hosts.set(host.name, host);
    this.#leases = input.leases.map((lease) => ({ ...lease }));
    this.#waiting = [...input.waiting];
    this.#nextLease = input.nextLease;
  }

  hostNamed(name: string): HostRecord | undefined {
    return this.#hosts.get(name);
  }

  register(host: HostRecord): void {
    this.#hosts.set(host.name, host);
  }

  /** Repeated requests change nothing: owners may ask again after a retry. */
  request(request: LeaseRequest): void {
    const isKnown =
      this.#leases.some((lease) => lease.request.request === request.request) ||
      this.#waiting.some((waiting) => waiting.request === request.request);
    if (!isKnown) this.#waiting.push(request);
  }

  /** Gives back the hosts of a request, granted or not. */
  release(request: string): void {
    this.#leases = this.#leases.filter((lease) => lease.request.request !== request);
    this.#waiting = this.#waiting.filter((waiting) => waiting.request !== request);
  }

  /** Grants from the head of the queue while its whole count is free; the head blocks all behind it. */
  grantable(): Grant[] {
    const grants: Grant[] = [];
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      const free = this.#freeHosts();
      if (free.length < head.count) break;
      const hosts = free.slice(0, head.count);
      const lease = this.#nextLease++;
      this.#waiting = this.#waiting.slice(1);
      this.#leases.push({ request: head, lease, hosts: hosts.map((host) => host.name) });
      grants.push({ request: head, lease, hosts });
    }
    return grants;
  }

  get isContended(): boolean {
    return this.#waiting.length > 0;
  }

  /** Owners of everything granted or waiting, to be asked whether they still run. */
  owners(): readonly LeaseRequest[] {
    return [...this.#leases.map((lease) => lease.request), ...this.#waiting];
  }

  state(): FleetState {
    return {
      v: 1,
      hosts: this.#sortedHosts(),
      leases: this.#leases.map(({ lease, request, hosts }) => ({ lease, owner: request.owner.workflowId, hosts })),
      waiting: this.#waiting.map(({ owner, count }) => ({ owner: owner.workflowId, count })),
    };
  }

  /** What the next run of the fleet workflow starts from. */
  carryOver(): Pick<FleetInput, 'hosts' | 'leases' | 'waiting' | 'nextLease'> {
    return { hosts: this.#sortedHosts(), leases: this.#leases, waiting: this.#waiting, nextLease: this.#nextLease };
  }

  #freeHosts(): HostRecord[] {
    const taken = new Set(this.#leases.flatMap((lease) => lease.hosts));
    return this.#sortedHosts().filter((host) => !taken.has(host.name));
  }

  #sortedHosts(): HostRecord[] {
    return [...this.#hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
