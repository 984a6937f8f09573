import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { claimModel, giveModelBack } from '../../src/activities/retrain/claim-model.js';

const HOUR_MS = 3_600_000;
const OLD = 'temper/retrain/nightly-2026-11-26T02:00:00Z';
const NEW = 'temper/retrain/nightly-2026-11-26T02:00:05Z';
/** State of each workflow, or of one run of it as `id@run`; what is left out is unknown to the server. */
type Server = Readonly<Record<string, 'RUNNING' | 'COMPLETED' | 'TERMINATED'>>;

let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'temper-claim-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(workspace, { recursive: true, force: true });
});

function clientOf(server: Server): Client {
  const fake = {
    withAbortSignal: (_signal: AbortSignal, work: () => Promise<unknown>) => work(),
    workflow: {
      getHandle: (id: string, runId?: string) => ({
        describe: async () => {
          const name = server[`${id}@${runId ?? ''}`] ?? server[id];
          if (name === undefined) throw Object.assign(new Error('not found'), { name: 'WorkflowNotFoundError' });
          return { status: { name } };
        },
      }),
    },
  };
  // Safe: a look at workflows uses these members of a client only.
  return fake as unknown as Client;
}

/** Does something as a retrain does, from an activity of its workflow. */
function as<T>(workflowId: string, server: Server, work: () => Promise<T>, runId = `run of ${workflowId}`): Promise<T> {
  const info = { workflowExecution: { workflowId, runId } };
  const env = new MockActivityEnvironment(info, { client: clientOf(server) });
  return env.run<[], T, () => Promise<T>>(work);
}

const claim = (workflowId: string, server: Server = {}, run = 'nightly-1', runId?: string): Promise<string | null> =>
  as(workflowId, server, () => claimModel({ workspace, model: 'numbers' }, run), runId);

describe('the claim of a retrain on its model', () => {
  it('is of one retrain until it gives it back; a repeated call has it already; other models are free', async () => {
    expect(await claim(OLD)).toBeNull();
    expect(await claim(OLD)).toBeNull();
    expect(await claim(NEW, { [OLD]: 'RUNNING' })).toBe(OLD);
    expect(await as(NEW, {}, () => claimModel({ workspace, model: 'others' }, 'x'))).toBeNull();
    await as(NEW, {}, () => giveModelBack({ workspace, model: 'numbers' }));
    expect(await claim(NEW, { [OLD]: 'RUNNING' })).toBe(OLD);
    await as(OLD, {}, () => giveModelBack({ workspace, model: 'numbers' }));
    expect(await claim(NEW)).toBeNull();
  });

  it.each<[string, Server, string | null]>([
    ['closed', { [OLD]: 'COMPLETED' }, null],
    ['terminated while it trains', { [OLD]: 'TERMINATED', 'temper/run/nightly-1': 'RUNNING' }, 'temper/run/nightly-1'],
    [
      'terminated with its run while the gang ends',
      {
        [OLD]: 'TERMINATED',
        'temper/run/nightly-1': 'TERMINATED',
        'temper/run/nightly-1/train': 'RUNNING',
      },
      'temper/run/nightly-1/train',
    ],
    [
      'over in all its parts',
      { [OLD]: 'TERMINATED', 'temper/run/nightly-1': 'TERMINATED', 'temper/run/nightly-1/train': 'COMPLETED' },
      null,
    ],
    ['unknown, whose run was recovered and goes on', { 'temper/run/nightly-1': 'RUNNING' }, 'temper/run/nightly-1'],
    ['unknown, whose run was recovered and has ended', { 'temper/run/nightly-1': 'COMPLETED' }, null],
    ['unknown', {}, `${OLD}, which this server does not know and which was at work within two days`],
  ])('of one that is %s', async (_name, server, expected) => {
    await claim(OLD);
    expect(await claim(NEW, server)).toBe(expected);
  });

  it('of an unknown one ends two days after its run was written to', async () => {
    await claim(OLD);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 49 * HOUR_MS });
    await mkdir(join(workspace, 'runs/nightly-1'), { recursive: true });
    const hourAgo = new Date(Date.now() - HOUR_MS);
    await utimes(join(workspace, 'runs/nightly-1'), hourAgo, hourAgo);
    expect(await claim(NEW)).toContain('does not know');
    const daysAgo = new Date(Date.now() - 49 * HOUR_MS);
    await utimes(join(workspace, 'runs/nightly-1'), daysAgo, daysAgo);
    expect(await claim(NEW)).toBeNull();
  });

  it('goes from a run of a workflow to the next one of the same id', async () => {
    await claim(OLD, {}, 'nightly-1', 'first');
    const server: Server = { [`${OLD}@first`]: 'COMPLETED', [`${OLD}@second`]: 'RUNNING' };
    expect(await claim(OLD, server, 'nightly-1', 'second')).toBeNull();
    expect(await claim(NEW, server)).toBe(OLD);
  });

  it('is got by one of many that find it abandoned at once', async () => {
    await claim(OLD);
    const ids = Array.from({ length: 12 }, (_, index) => `temper/retrain/s${index}-2026-11-26T02:00:00Z`);
    const server: Server = { [OLD]: 'COMPLETED', ...Object.fromEntries(ids.map((id) => [id, 'RUNNING' as const])) };
    const holders = await Promise.all(ids.map((id) => claim(id, server)));
    const winner = ids[holders.indexOf(null)];
    expect(holders.filter((holder) => holder === null)).toHaveLength(1);
    expect(new Set(holders)).toEqual(new Set([null, winner]));
    expect(readdirSync(join(workspace, 'models/numbers/retrain'))).toEqual(['claim']);
  });
});
