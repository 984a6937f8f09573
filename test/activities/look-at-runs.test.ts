import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { callHost } from '../../src/activities/call-host.js';
import { lookAtRuns } from '../../src/activities/look-at-runs.js';
import { runStage } from '../../src/activities/run-stage.js';
import { recipeOf, run, start, step, useStageBench } from './support.js';

const HOUR_MS = 3_600_000;
const bench = useStageBench();
const idle = recipeOf(() => ({}));

interface Described {
  readonly status: string;
  readonly fleet?: string;
  readonly parent?: string;
  /** How long ago it closed. */
  readonly closedHours?: number;
}

/** What the server and the hosts say. A host without runs does not answer; a fleet without hosts neither. */
interface Site {
  readonly workflows?: Readonly<Record<string, Described>>;
  readonly fleets?: Readonly<
    Record<string, { readonly hosts: readonly string[]; readonly leases?: readonly string[] }>
  >;
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
}

function clientOf({ workflows = {}, fleets = { f: { hosts: ['h1'] } }, hosts = {} }: Site): Client {
  const missing = (): never => {
    throw Object.assign(new Error('not found'), { name: 'WorkflowNotFoundError' });
  };
  const fake = {
    withAbortSignal: (_signal: AbortSignal, work: () => Promise<unknown>) => work(),
    workflow: {
      getHandle: (id: string) => ({
        describe: async () => {
          const { status, fleet = 'f', parent, closedHours = 1 } = workflows[id] ?? missing();
          return {
            status: { name: status },
            taskQueue: `temper/${fleet}/control`,
            closeTime: new Date(Date.now() - closedHours * HOUR_MS),
            raw: { workflowExecutionInfo: { parentExecution: parent === undefined ? null : { workflowId: parent } } },
          };
        },
        query: async () => {
          const known = fleets[/^temper\/(.+)\/fleet$/.exec(id)?.[1] ?? ''] ?? missing();
          const record = { v: 1, machineId: 'm', pid: 1, address: 'a', labels: [], scratch: '/s', startedAt: '' };
          return {
            v: 1,
            hosts: known.hosts.map((name) => ({ ...record, name })),
            leases: (known.leases ?? []).map((owner) => ({ lease: 1, owner, hosts: [] })),
            waiting: [],
          };
        },
      }),
    },
    activity: {
      execute: async (_name: string, { taskQueue }: { taskQueue: string }) => {
        const host = taskQueue.split('/')[2] ?? '';
        const runs = hosts[host];
        if (runs === undefined) throw new Error('nobody took it');
        return { v: 1, host, runs };
      },
    },
  };
  // Safe: the look uses these members of a client only.
  return fake as unknown as Client;
}

const whyOpen = async (site: Site, touchedHours = 1): Promise<string | null | undefined> => {
  const runs = [{ name: 'r1', touchedMs: Date.now() - touchedHours * HOUR_MS }];
  return (await run(() => lookAtRuns(bench.host(idle))(runs), clientOf(site))).get('r1');
};

const DONE = { 'temper/run/r1': { status: 'COMPLETED' } };

describe('whether a run has ended for certain', () => {
  it.each<[string, Site, string | null]>([
    ['done, and no host runs anything', { workflows: DONE }, null],
    ['open', { workflows: { 'temper/run/r1': { status: 'RUNNING' } } }, 'it is running'],
    [
      'failed beside a gang that is not over',
      { workflows: { 'temper/run/r1': { status: 'TERMINATED' }, 'temper/run/r1/train': { status: 'RUNNING' } } },
      'its training is not over',
    ],
    [
      'terminated just now',
      { workflows: { 'temper/run/r1': { status: 'TERMINATED', closedHours: 0 } } },
      'it was terminated just now, and its commands may still run',
    ],
    [
      'done for a retrain that is evaluating it',
      { workflows: { 'temper/run/r1': { status: 'COMPLETED', parent: 'r' }, r: { status: 'RUNNING' } } },
      'its retrain is not over',
    ],
    [
      'closed with a lease',
      { workflows: DONE, fleets: { f: { hosts: ['h1'], leases: ['temper/run/r1/train'] } } },
      'it holds hosts',
    ],
    [
      'closed with a command on another host',
      { workflows: DONE, fleets: { f: { hosts: ['h1', 'h2', 'h3'] } }, hosts: { h2: [], h3: ['r0', 'r1'] } },
      'a command of it runs on h3',
    ],
    [
      'closed while a host does not answer',
      { workflows: DONE, fleets: { f: { hosts: ['h1', 'h2'] } } },
      'h2 does not answer, and a command of it may run there: it ended within two days',
    ],
    [
      'of another fleet, with a command there',
      {
        workflows: { 'temper/run/r1': { status: 'COMPLETED', fleet: 'g' } },
        fleets: { f: { hosts: ['h1'] }, g: { hosts: ['h1'] } },
        hosts: { h1: ['r1'] },
      },
      'a command of it runs on h1',
    ],
    [
      'of another fleet that is gone',
      { workflows: { 'temper/run/r1': { status: 'COMPLETED', fleet: 'g' } } },
      'nobody can tell what its fleet runs',
    ],
    ['not known to the server', {}, 'the server does not know it, and it was written to within two days'],
  ])('%s', async (_name, site, expected) => {
    expect(await whyOpen(site)).toBe(expected);
  });

  it('is told after two days, when keepers that nobody asks have ended', async () => {
    const silent = { fleets: { f: { hosts: ['h1', 'h2'] } } };
    const old = { workflows: { 'temper/run/r1': { status: 'COMPLETED', closedHours: 50 } } };
    expect(await whyOpen({ ...silent, ...old }, 50)).toBeNull();
    expect(await whyOpen({ ...silent, ...old }, 1)).toContain('h2 does not answer');
    expect(await whyOpen({ ...silent, workflows: DONE }, 50)).toContain('h2 does not answer');
    expect(await whyOpen({}, 50)).toBeNull();
  });

  it('is not told at all when the fleet of the host does not answer', async () => {
    await expect(whyOpen({ workflows: DONE, fleets: {} })).rejects.toThrow('nobody can tell who holds hosts');
  });

  it('is no while a command of it runs on this host, which a look does not keep alive', async () => {
    const fake = recipeOf((facts) => ({ commands: [step(facts, 'exec sleep 60', 'long')] }));
    const host = bench.host(fake);
    const call = await bench.open(fake);
    const one = start(() => runStage(host, call));
    await one.beat((details) => (details as { step?: string }).step === 'long');
    expect(await whyOpen({ workflows: DONE })).toBe('a command of it runs on h1');
    expect(await run(() => callHost(host, { v: 1, op: 'runningRuns' }))).toEqual({ v: 1, host: 'h1', runs: ['r1'] });
    await run(() => callHost(host, { v: 1, op: 'stopKeepers', prefix: 'r1.', reason: 'enough', graceMs: 5_000 }));
    await expect(one.result).rejects.toThrow('enough');
    expect(await whyOpen({ workflows: DONE })).toBeNull();
  });
});
