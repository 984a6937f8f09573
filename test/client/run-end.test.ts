import { describe, expect, it } from 'vitest';
import { getRunStatus } from '../../src/client/run-status.js';
import { cancelRun, pauseRun } from '../../src/client/runs.js';
import { fakeServer, type FakeWorkflow } from './fake.js';

const RUN = 'temper/run/tiny';
const RETRAIN = 'temper/retrain/nightly-2026-11-26T20:11:08Z';

describe('a run that somebody ended', () => {
  it.each<[string, FakeWorkflow, object]>([
    [
      'a person',
      {
        status: 'CANCELLED',
        history: [
          { workflowExecutionCanceledEventAttributes: {} },
          { workflowExecutionCancelRequestedEventAttributes: { identity: 'ada', cause: 'the machines are needed' } },
        ],
      },
      {
        state: 'cancelled',
        problem: {
          code: 'Cancelled',
          what: 'the run was cancelled by ada',
          why: 'the machines are needed',
          fix: expect.stringContaining('temper start FILE'),
        },
      },
    ],
    [
      'its retrain',
      {
        status: 'CANCELLED',
        parent: RETRAIN,
        history: [
          {
            workflowExecutionCancelRequestedEventAttributes: {
              identity: 'history-service',
              externalWorkflowExecution: { workflowId: RETRAIN },
            },
          },
        ],
      },
      {
        problem: {
          what: `the run was cancelled by its retrain ${RETRAIN}`,
          fix: expect.stringContaining('temper schedule trigger nightly'),
        },
      },
    ],
    [
      'a person on the server, at once',
      {
        status: 'TERMINATED',
        history: [{ workflowExecutionTerminatedEventAttributes: { identity: 'ada', reason: 'wrong data' } }],
      },
      {
        state: 'terminated',
        problem: { code: 'Terminated', what: 'the run was terminated by ada', why: 'wrong data' },
      },
    ],
    [
      'nobody knows who',
      { status: 'CANCELLED' },
      {
        problem: {
          code: 'Cancelled',
          what: 'the run was cancelled by somebody whose name is not known',
          why: 'no reason was given',
        },
      },
    ],
  ])('by %s: its status says so and names the way on', async (_who, workflow, expected) => {
    expect(await getRunStatus(fakeServer({ [RUN]: workflow }).client, 'tiny')).toMatchObject(expected);
  });

  it('is told from the request, which carries name and reason', async () => {
    const { client, cancelled } = fakeServer({ [RUN]: { status: 'RUNNING' } });
    await cancelRun(client, 'tiny', { by: 'ada', why: 'enough' });
    await cancelRun(client, 'tiny');
    expect(cancelled).toEqual([
      { id: RUN, identity: 'ada', reason: 'enough' },
      { id: RUN, identity: '1@here' },
    ]);
  });

  it('goes to the retrain of a run that is done, while that is open', async () => {
    const done = { status: 'COMPLETED', parent: RETRAIN };
    const { client, cancelled } = fakeServer({ [RUN]: done, [RETRAIN]: { status: 'RUNNING' } });
    expect(await cancelRun(client, 'tiny', { by: 'ada', why: 'enough' })).toBe('nightly');
    expect(cancelled).toEqual([{ id: RETRAIN, identity: 'ada', reason: 'enough' }]);
    const over = fakeServer({ [RUN]: done, [RETRAIN]: { status: 'COMPLETED' } });
    await expect(cancelRun(over.client, 'tiny')).rejects.toThrow('nothing to cancel');
  });

  it('goes to a retrain by its own name, which may have no run yet', async () => {
    const { client, cancelled } = fakeServer({ [RETRAIN]: { status: 'RUNNING' } });
    expect(await cancelRun(client, RETRAIN, { by: 'ada', why: 'enough' })).toBe('nightly');
    expect(cancelled).toEqual([{ id: RETRAIN, identity: 'ada', reason: 'enough' }]);
    const over = fakeServer({ [RETRAIN]: { status: 'COMPLETED' } });
    await expect(cancelRun(over.client, RETRAIN)).rejects.toThrow('nothing to cancel');
    await expect(cancelRun(fakeServer().client, RETRAIN)).rejects.toThrow('there is no such retrain');
  });
});

describe('a run of a schedule', () => {
  it('is not asked to pause, which would end it, and the ways on are told', async () => {
    const parent = 'temper/retrain/nightly-2026-11-27T02:00:00Z';
    const server = fakeServer({ 'temper/run/tiny': { status: 'RUNNING', parent } });
    await expect(pauseRun(server.client, 'tiny', 'test')).rejects.toMatchObject({
      problem: { code: 'RunNotParked', fix: expect.stringContaining('temper schedule pause nightly') },
    });
    expect(server.asked).toEqual([]);
  });
});
