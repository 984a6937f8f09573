import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetBook, type Grant } from '../../src/domain/fleet.js';
import type { LeaseRequest } from '../../src/schemas/fleet-calls.js';
import type { HostRecord } from '../../src/schemas/host.js';

const EMPTY = { hosts: [], leases: [], waiting: [], nextLease: 1 };

function host(name: string, pid = 1): HostRecord {
  return { v: 1, name, machineId: 'm', pid, address: '10.0.0.1', labels: [], scratch: '/s', startedAt: '' };
}

function request(name: string, count: number): LeaseRequest {
  return { v: 1, request: name, owner: { workflowId: `w-${name}`, firstRunId: 'f', runId: 'f' }, count };
}

/** What a fleet must do, written as naively as possible. */
class Model {
  hosts = new Set<string>();
  waiting: LeaseRequest[] = [];
  held = new Map<string, readonly string[]>();

  get free(): number {
    return this.hosts.size - [...this.held.values()].flat().length;
  }

  take({ request: { request: name, count }, hosts }: Grant): void {
    expect(this.waiting[0]?.request).toBe(name);
    expect(hosts).toHaveLength(count);
    const names = hosts.map((one) => one.name);
    const taken = new Set([...this.held.values()].flat());
    expect(new Set(names).size).toBe(count);
    expect(names.filter((one) => taken.has(one) || !this.hosts.has(one))).toEqual([]);
    this.waiting.shift();
    this.held.set(name, names);
  }

  settle(): void {
    const head = this.waiting[0];
    if (head !== undefined) expect(this.free).toBeLessThan(head.count);
  }
}

interface Real {
  book: FleetBook;
  lastLease: number;
}

function grant(model: Model, real: Real): void {
  for (const one of real.book.grantable()) {
    expect(one.lease).toBeGreaterThan(real.lastLease);
    real.lastLease = one.lease;
    model.take(one);
  }
  model.settle();
  expect(real.book.owners().map(({ request: name }) => name)).toEqual([
    ...model.held.keys(),
    ...model.waiting.map((one) => one.request),
  ]);
}

type Step = fc.Command<Model, Real>;

const step = (text: string, run: (model: Model, real: Real) => void): Step => ({
  check: () => true,
  run: (model, real) => {
    run(model, real);
    grant(model, real);
  },
  toString: () => text,
});

const ask = (id: number, count: number): Step =>
  step(`request(${id}, ${count})`, (model, { book }) => {
    const one = request(`r${id}`, count);
    book.request(one);
    const isKnown = model.held.has(one.request) || model.waiting.some((waiting) => waiting.request === one.request);
    if (!isKnown) model.waiting.push(one);
  });

const give = (id: number): Step =>
  step(`release(${id})`, (model, { book }) => {
    book.release(`r${id}`);
    model.held.delete(`r${id}`);
    model.waiting = model.waiting.filter((one) => one.request !== `r${id}`);
  });

const join = (id: number): Step =>
  step(`register(${id})`, (model, { book }) => {
    book.register(host(`h${id}`));
    model.hosts.add(`h${id}`);
  });

/** Continue-as-new, through JSON as the server stores it. */
const carry = (): Step =>
  step('carryOver', (_model, real) => {
    const before = real.book.state();
    real.book = new FleetBook(JSON.parse(JSON.stringify(real.book.carryOver())));
    expect(real.book.state()).toEqual(before);
  });

describe('the book of a fleet', () => {
  it('leases all or nothing, in order, no host twice (model)', () => {
    const ids = fc.nat({ max: 5 });
    const steps = [
      fc.tuple(ids, fc.integer({ min: 1, max: 4 })).map(([id, count]) => ask(id, count)),
      ids.map(give),
      ids.map(join),
      fc.constant(carry()),
    ];
    fc.assert(
      fc.property(fc.commands(steps, { maxCommands: 40, size: 'max' }), (commands) => {
        fc.modelRun(() => ({ model: new Model(), real: { book: new FleetBook(EMPTY), lastLease: 0 } }), commands);
      }),
      { numRuns: 200 },
    );
  });

  it('lets the head of the queue block those behind it, until it gives up', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [host('b'), host('a')] });
    book.request(request('large', 3));
    book.request(request('small', 1));
    expect(book.grantable()).toEqual([]);
    expect(book.isContended).toBe(true);
    book.release('large');
    expect(book.grantable()).toMatchObject([{ lease: 1, request: { request: 'small' }, hosts: [{ name: 'a' }] }]);
    expect(book.isContended).toBe(false);
  });

  it('takes the newest record of a host without touching its lease', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [host('a')] });
    book.request(request('r', 1));
    book.grantable();
    book.register(host('a', 2));
    book.request(request('s', 1));
    expect(book.grantable()).toEqual([]);
    expect(book.hostNamed('a')?.pid).toBe(2);
    expect(book.hostNamed('b')).toBeUndefined();
    expect(book.owners().map((one) => one.request)).toEqual(['r', 's']);
    expect(book.state()).toMatchObject({
      leases: [{ lease: 1, owner: 'w-r', hosts: ['a'] }],
      waiting: [{ owner: 'w-s', count: 1 }],
    });
  });

  it('numbers leases above what its hosts have seen, though its database was lost', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [] });
    book.register({ ...host('a'), lease: 41 });
    book.register({ ...host('b'), lease: 7 });
    book.register(host('c'));
    book.request(request('r', 2));
    expect(book.grantable()).toMatchObject([{ lease: 42 }]);
    book.register({ ...host('a'), lease: 42 });
    book.request(request('s', 1));
    expect(book.grantable()).toMatchObject([{ lease: 43 }]);
  });

  it('gives no lease a host that was set aside, until it is taken back', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [host('a'), host('b'), host('c')] });
    const aside = (name: string, kind: 'cordoned' | 'unobserved' | 'unfit') =>
      book.setAside({ host: name, kind, reason: 'r', at: '' });
    aside('a', 'cordoned');
    aside('b', 'unobserved');
    book.request(request('r', 3));
    expect(book.grantable()).toEqual([]);
    // A worker that is back says that a host is there again; what a person decided stays.
    for (const name of ['a', 'b']) book.register(host(name));
    expect(book.state().setAside).toEqual([{ host: 'a', kind: 'cordoned', reason: 'r' }]);
    const carried = new FleetBook(JSON.parse(JSON.stringify(book.carryOver())));
    expect(carried.state()).toEqual(book.state());
    book.takeBack('a');
    expect(book.grantable()).toMatchObject([{ lease: 1 }]);
    expect(book.state().setAside).toBeUndefined();
  });

  it('takes a host out for the worker that has ended, and not for the one that came after it', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [{ ...host('a'), startedAt: '2' }] });
    const left = { host: 'a', kind: 'unobserved', reason: 'its worker was stopped', at: '' } as const;
    book.setAside(left, '1');
    expect(book.state().setAside).toBeUndefined();
    book.setAside(left, '2');
    expect(book.state().setAside).toMatchObject([{ host: 'a', kind: 'unobserved' }]);
  });

  it('keeps the stronger reason for which a host was set aside', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [host('a')] });
    for (const kind of ['unobserved', 'unfit', 'unobserved'] as const)
      book.setAside({ host: 'a', kind, reason: kind, at: '' });
    expect(book.state().setAside).toEqual([{ host: 'a', kind: 'unfit', reason: 'unfit' }]);
  });

  it('keeps the spares of a gang free for it, and serves it before those who have not begun', () => {
    const book = new FleetBook({ ...EMPTY, hosts: ['a', 'b', 'c', 'd'].map((name) => host(name)) });
    book.request({ ...request('gang', 2), spares: 2 });
    expect(book.grantable()).toMatchObject([{ hosts: [{ name: 'a' }, { name: 'b' }] }]);
    book.request(request('new', 1));
    expect(book.grantable()).toEqual([]);
    book.setAside({ host: 'b', kind: 'unobserved', reason: 'r', at: '' });
    book.request({ ...request('again', 2), spares: 1, replaces: 'gang' });
    expect(book.grantable()).toMatchObject([
      { lease: 2, request: { request: 'again' }, hosts: [{ name: 'a' }, { name: 'c' }] },
    ]);
    expect(book.state().leases).toMatchObject([{ lease: 2 }]);
    expect(book.grantable()).toEqual([]);
    book.release('again');
    expect(book.grantable()).toMatchObject([{ request: { request: 'new' } }]);
  });

  it('takes hosts to be avoided only when there are no others', () => {
    const book = new FleetBook({ ...EMPTY, hosts: [host('a'), host('b')] });
    book.request({ ...request('one', 1), avoid: ['a'] });
    book.request({ ...request('two', 1), avoid: ['a'] });
    expect(book.grantable().map(({ hosts: [first] }) => first?.name)).toEqual(['b', 'a']);
  });
});
