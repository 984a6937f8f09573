import type { FleetInput, LeaseRequest, SetAside } from '../schemas/fleet-calls.js';
import type { FleetState, HostRecord } from '../schemas/host.js';

/** A lease that was given out. */
export interface Grant {
  readonly request: LeaseRequest;
  readonly lease: number;
  readonly hosts: readonly HostRecord[];
}

type Carried = 'hosts' | 'leases' | 'waiting' | 'nextLease' | 'setAside';

/**
 * Hosts and leases of a fleet as plain state. Leases are all or nothing and strictly first come, first served:
 * handing out a part would let two half-served gangs wait for each other for ever. A gang in the middle of its
 * training that replaces a host comes before those that have not begun.
 */
export class FleetBook {
  readonly #hosts = new Map<string, HostRecord>();
  readonly #setAside = new Map<string, SetAside>();
  #leases: { request: LeaseRequest; lease: number; hosts: string[] }[];
  #waiting: LeaseRequest[];
  #nextLease: number;

  constructor(input: Pick<FleetInput, Carried>) {
    for (const host of input.hosts) this.#hosts.set(host.name, host);
    for (const one of input.setAside ?? []) this.#setAside.set(one.host, one);
    this.#leases = input.leases.map((lease) => ({ ...lease }));
    this.#waiting = [...input.waiting];
    this.#nextLease = input.nextLease;
  }

  hostNamed(name: string): HostRecord | undefined {
    return this.#hosts.get(name);
  }

  /**
   * A host that had vanished is back: its worker says so. One that a person or a failure took out stays out. Leases go
   * on above what the host has seen: it refuses older ones, and this fleet may have lost its database since.
   */
  register(host: HostRecord): void {
    this.#nextLease = Math.max(this.#nextLease, (host.lease ?? 0) + 1);
    this.#hosts.set(host.name, host);
    if (this.#setAside.get(host.name)?.kind === 'unobserved') this.#setAside.delete(host.name);
  }

  /**
   * No lease gets the host from now on; one that holds it keeps it. A weaker reason does not replace a stronger one, and
   * one of a worker that started at `startedAt` does not touch the worker that came after it.
   */
  setAside(one: SetAside, startedAt?: string): void {
    if (startedAt !== undefined && this.#hosts.get(one.host)?.startedAt !== startedAt) return;
    const known = this.#setAside.get(one.host);
    if (known === undefined || known.kind === 'unobserved') this.#setAside.set(one.host, one);
  }

  /** Leases may get the host again. */
  takeBack(host: string): void {
    this.#setAside.delete(host);
  }

  /**
   * Repeated requests change nothing: owners may ask again after a retry. A request that replaces a lease gives that
   * one back in the same step, so that nobody can take the hosts in between, and waits before new owners.
   */
  request(request: LeaseRequest): void {
    const isKnown =
      this.#leases.some((lease) => lease.request.request === request.request) ||
      this.#waiting.some((waiting) => waiting.request === request.request);
    if (isKnown) return;
    if (request.replaces === undefined) {
      this.#waiting.push(request);
      return;
    }
    this.release(request.replaces);
    const begins = this.#waiting.findIndex(({ replaces }) => replaces === undefined);
    this.#waiting.splice(begins < 0 ? this.#waiting.length : begins, 0, request);
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
      const free = this.#freeHosts(head.avoid ?? []);
      // Spares are for those who hold a lease; who replaces a host is who they are kept for.
      const kept = head.replaces === undefined ? this.#spares() : 0;
      if (free.length - kept < head.count) break;
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
    const setAside = this.#sortedSetAside().map(({ host, kind, reason }) => ({ host, kind, reason }));
    return {
      v: 1,
      hosts: this.#sortedHosts(),
      leases: this.#leases.map(({ lease, request, hosts }) => ({ lease, owner: request.owner.workflowId, hosts })),
      waiting: this.#waiting.map(({ owner, count }) => ({ owner: owner.workflowId, count })),
      ...(setAside.length === 0 ? {} : { setAside }),
    };
  }

  /** What the next run of the fleet workflow starts from. */
  carryOver(): Pick<FleetInput, Carried> {
    return {
      hosts: this.#sortedHosts(),
      leases: this.#leases,
      waiting: this.#waiting,
      nextLease: this.#nextLease,
      setAside: this.#sortedSetAside(),
    };
  }

  /** Hosts that a lease may get, those to be avoided last. */
  #freeHosts(avoid: readonly string[]): HostRecord[] {
    const taken = new Set(this.#leases.flatMap((lease) => lease.hosts));
    const free = this.#sortedHosts().filter(({ name }) => !taken.has(name) && !this.#setAside.has(name));
    return [...free.filter(({ name }) => !avoid.includes(name)), ...free.filter(({ name }) => avoid.includes(name))];
  }

  #spares(): number {
    return this.#leases.reduce((sum, { request }) => sum + (request.spares ?? 0), 0);
  }

  #sortedHosts(): HostRecord[] {
    return [...this.#hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #sortedSetAside(): SetAside[] {
    return [...this.#setAside.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
  }
}
