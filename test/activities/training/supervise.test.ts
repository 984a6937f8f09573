import { CancelledFailure } from '@temporalio/activity';
import { ActivityCancellationDetails } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { activity } from '../../../src/activities/edge.js';
import { keeperOf } from '../../../src/activities/keeper-of.js';
import { assertSucceeded, supervise } from '../../../src/activities/training/supervise.js';
import type { TemperError } from '../../../src/domain/errors.js';
import { findKeeper } from '../../../src/host/keeper/client.js';
import type { StageCall } from '../../../src/schemas/stage-calls.js';
import { isAlive, until } from '../../host/keeper/helpers.js';
import { cancel, clientOf, recipeOf, run, start, step, TIMING, useStageBench, type Attempt } from '../support.js';

const bench = useStageBench();
const recipe = recipeOf(() => ({}));
const call: StageCall = {
  v: 1,
  run: 'r1',
  owner: { workflowId: 'temper/run/r1', firstRunId: 'first', runId: 'first' },
  workspace: '/nowhere',
  specDigest: '',
  stage: {
    name: 'weights',
    title: '',
    needs: [],
    placement: 'anyHost',
    fingerprint: '',
    programs: [],
    sources: [],
    resources: { diskBytes: 0, ramBytes: 0 },
    timeoutMs: 60_000,
  },
  needs: [],
  tryNumber: 1,
  isFresh: false,
  timing: TIMING,
};

/** One attempt that supervises a command, behind the edge that all activities have. */
function attempt(line: string, client?: Parameters<typeof start>[1]): Attempt<Awaited<ReturnType<typeof supervise>>> {
  const command = step({ out: '/' }, line);
  const work = activity(z.null(), () =>
    supervise({ host: bench.host(recipe), call, command, number: 1, progress: async () => ({}) }),
  );
  return start(() => work(null), client);
}

const keeper = () => findKeeper(bench.scratch(), keeperOf(call, 'make', 1));

/** Pid of the command, once it runs. */
async function runningPid(): Promise<number> {
  for (;;) {
    const status = await keeper()?.status();
    if (status?.state === 'running' && status.record.child !== null) return status.record.child.pid;
    await until(() => keeper() !== null, 'a keeper');
  }
}

const gone = (): never => {
  throw new Error('no connection');
};

describe('an attempt that is interrupted', () => {
  it.each([
    ['its worker shuts down', 'WORKER_SHUTDOWN', { workerShutdown: true }, undefined],
    ['the server was away too long', 'TIMED_OUT', { notFound: true, timedOut: true }, () => ({ status: 'TERMINATED' })],
    ['the activity is paused', 'PAUSED', { paused: true }, undefined],
    ['the activity is reset', 'RESET', { reset: true }, undefined],
    ['it is unknown, but the workflow runs', 'NOT_FOUND', { notFound: true }, () => ({ status: 'RUNNING' })],
    ['it is unknown, and the workflow is paused', 'NOT_FOUND', { notFound: true }, () => ({ status: 'PAUSED' })],
    ['it is unknown, and the server does not answer', 'NOT_FOUND', { notFound: true }, gone],
  ] as const)('leaves its command running when %s', async (_why, reason, details, describeWorkflow) => {
    const first = attempt('exec sleep 60', describeWorkflow === undefined ? undefined : clientOf(describeWorkflow));
    const pid = await runningPid();
    first.env.cancel(reason, new ActivityCancellationDetails(details));
    const error: unknown = await first.result.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CancelledFailure);
    expect(error).toBe(first.env.context.cancellationSignal.reason);
    expect(isAlive(pid)).toBe(true);

    const second = attempt('exec sleep 60');
    await second.beat(() => true);
    expect(await runningPid()).toBe(pid);
    cancel(second);
    await expect(second.result).rejects.toBe(second.env.context.cancellationSignal.reason);
    expect(isAlive(pid)).toBe(false);
  });

  it.each(['TERMINATED', 'FAILED', 'TIMED_OUT', 'COMPLETED', 'CANCELLED'])(
    'stops its command when the workflow is %s',
    async (status) => {
      const one = attempt(
        'exec sleep 60',
        clientOf(() => ({ status })),
      );
      const pid = await runningPid();
      one.env.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
      await expect(one.result).rejects.toBe(one.env.context.cancellationSignal.reason);
      expect(isAlive(pid)).toBe(false);
      const end = await keeper()?.status();
      expect(end).toMatchObject({ state: 'exited', exit: { stop: { reason: `workflow ${status.toLowerCase()}` } } });
    },
  );

  it('stops its command when that is asked for, and tells why in the record', async () => {
    const one = attempt('exec sleep 60');
    await runningPid();
    cancel(one);
    await expect(one.result).rejects.toBeInstanceOf(CancelledFailure);
    expect(await keeper()?.status()).toMatchObject({ state: 'exited', exit: { stop: { reason: 'cancelled' } } });
  });

  it('begins no command after the stop was asked for', async () => {
    const work = () =>
      supervise({
        host: bench.host(recipe),
        call,
        command: step({ out: '/' }, 'true'),
        number: 1,
        progress: async () => ({}),
      });
    const one = start((env) => {
      cancel({ env });
      return work();
    });
    await expect(one.result).rejects.toBeInstanceOf(CancelledFailure);
    expect(keeper()).toBeNull();
  });
});

describe('heartbeats', () => {
  it('go on while the progress is being read', async () => {
    let release: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const command = step({ out: '/' }, 'exec sleep 60');
    const one = start(() =>
      supervise({
        host: bench.host(recipe),
        call,
        command,
        number: 1,
        progress: () => slow.then(() => ({ text: 'read' })),
      }),
    );
    let beats = 0;
    await one.beat(() => (beats += 1) >= 5);
    release();
    await one.beat((details) => (details as { text?: string }).text === 'read');
    cancel(one);
    await expect(one.result).rejects.toBeInstanceOf(CancelledFailure);
  });
});

describe('the end of a command', () => {
  it.each([
    ['exit 0', null],
    [
      'echo "error: bad input" >&2; echo later >&2; exit 3',
      { code: 'CommandFailed', what: 'make ended with exit status 3', why: 'error: bad input' },
    ],
    ['echo said; exit 1', { code: 'CommandFailed', why: 'said' }],
    ['echo "  rank 1 failed"; echo ======; echo; exit 1', { code: 'CommandFailed', why: 'rank 1 failed' }],
    ['exit 1', { code: 'CommandFailed', why: 'it said nothing' }],
    ['kill -9 $$', { code: 'CommandFailed', what: 'make ended with signal SIGKILL' }],
  ])('of %j is told', async (line, expected) => {
    const ended = await attempt(line).result;
    const error: unknown = await run(() => assertSucceeded('make', ended)).then(
      () => null,
      (caught: unknown) => caught,
    );
    if (expected === null) expect(error).toBeNull();
    else expect((error as TemperError).problem).toMatchObject(expected);
  });

  it('tells a program that is not there', async () => {
    const command = { step: 'make', argv: ['/no/such/program'], cwd: '/', env: {} };
    const ended = await run(() =>
      supervise({ host: bench.host(recipe), call, command, number: 1, progress: async () => ({}) }),
    );
    await expect(assertSucceeded('make', ended)).rejects.toMatchObject({ problem: { code: 'CommandMissing' } });
  });
});
