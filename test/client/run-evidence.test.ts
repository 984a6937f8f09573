import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { explainRun } from '../../src/client/run-evidence.js';
import { getRunStatus } from '../../src/client/run-status.js';
import { watchRun } from '../../src/client/runs.js';
import { problem } from '../../src/domain/errors.js';
import type { IncidentNote } from '../../src/schemas/incident.js';
import { RunStatusSchema, type RunStatus } from '../../src/schemas/run.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import { fakeServer, type FakeServer, type FakeWorkflow } from './fake.js';

const RUN = 'temper/run/tiny';
const GANG = 'temper/run/tiny/train';
const AT = '2026-11-27T08:00:00.000Z';
const LINES = ['ValueError: unknown kind "sgnal". Choose one of signal, exit'];

const note: IncidentNote = {
  attempt: 1,
  cause: 'bad-input',
  reaction: 'stop',
  host: 'laptop-2',
  sentence: 'rank 2 on laptop-2 refused its input',
  at: AT,
};
const parked = (code: string, over: object = {}): FakeWorkflow => ({
  status: 'RUNNING',
  memo: {
    temper: {
      ...{ v: 1, state: 'blocked', stage: 'train', reason: 'rank 2 refused its input', fix: 'read the evidence', code },
      ...{ checkpoint: null, ettr: null, stages: [], ...over },
    },
  },
});
const failure = (code: 'TrainingFailed' | 'CommandFailed', evidence: string[]): object => {
  const facts = problem(code, { what: 'it failed', evidence });
  return { message: 'it failed', applicationFailureInfo: { details: { payloads: [payload(facts)] } } };
};
const payload = (value: unknown): unknown => defaultPayloadConverter.toPayload(value);
const recorded = (at: string, evidenceLines: string[]): object => ({
  activityTaskScheduledEventAttributes: {
    activityType: { name: 'recordIncident' },
    input: {
      payloads: [
        payload({
          v: 1,
          workspace: '/mnt/ws',
          incident: {
            ...{ v: 1, id: 'x-1', run: 'tiny', attempt: 1, at, reaction: 'stop', why: 'it fails again', hosts: [] },
            ...{ lastIteration: null, resumedFrom: null, stepsLost: null, detectMs: 1, stopMs: 1, relaunchMs: null },
            firstIterationMs: null,
            verdict: {
              ...{ rule: 'refused-input', cause: 'bad-input', reaction: 'stop', host: 'laptop-2', rank: 2, at },
              ...{ sentence: 'rank 2 on laptop-2 refused its input', evidenceLines, confidence: 'high' },
            },
          },
        }),
      ],
    },
  },
});

async function explained(server: FakeServer): Promise<RunStatus> {
  const status = await explainRun(server.client, await getRunStatus(server.client, 'tiny'));
  expect(RunStatusSchema.safeParse(status).success).toBe(true);
  return status;
}

describe('why a run is blocked, from its histories alone', () => {
  it('a training: the lines of its last incident, whose they are, and the file of the record', async () => {
    const history = [
      { workflowTaskCompletedEventAttributes: {} },
      { childWorkflowExecutionFailedEventAttributes: { failure: { cause: failure('TrainingFailed', LINES) } } },
      { activityTaskFailedEventAttributes: { failure: failure('CommandFailed', ['another one']) } },
    ];
    const server = fakeServer({
      [RUN]: { ...parked('TrainingFailed', { incidents: 3, incident: note }), history },
      [GANG]: { status: 'FAILED', history: [recorded(AT, LINES), recorded('2026-11-27T07:00:00.000Z', ['old'])] },
    });
    expect(await explained(server)).toMatchObject({
      problem: { code: 'TrainingFailed', evidence: LINES },
      incidentEvidence: { host: 'laptop-2', rank: 2, lines: LINES, file: '/mnt/ws/runs/tiny/incidents/0003.json' },
    });
    for await (const last of watchRun(server.client, 'tiny'))
      expect(last).toMatchObject({ state: 'blocked', problem: { evidence: LINES } });
  });

  it('a command: the end of its log', async () => {
    const history = [
      { activityTaskFailedEventAttributes: { failure: { cause: failure('CommandFailed', ['No space left']) } } },
    ];
    const status = await explained(fakeServer({ [RUN]: { ...parked('CommandFailed'), history } }));
    expect(status.problem?.evidence).toEqual(['No space left']);
    expect(status.incidentEvidence).toBeUndefined();
  });

  it('is bounded: few lines, none of them long', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `${index} ${'x'.repeat(5_000)}`);
    const server = fakeServer({
      [RUN]: parked('TrainingFailed', { incidents: 1, incident: note }),
      [GANG]: { status: 'FAILED', history: [recorded(AT, many)] },
    });
    const { incidentEvidence } = await explained(server);
    expect(incidentEvidence?.lines).toHaveLength(12);
    expect(JSON.stringify(incidentEvidence).length).toBeLessThan(4_096);
  });

  it('names the file where no history has the lines any more', async () => {
    const input = { v: 1, run: 'tiny', specText: cpuTiny.template.replace(/^workspace:.*$/m, 'workspace: /mnt/ws') };
    const rest = { timing: fakeServer().client.target.timing, from: null, until: null, onFailure: 'park' };
    const server = fakeServer({
      [RUN]: { ...parked('TrainingFailed', { incidents: 1, incident: note }), input: { ...input, ...rest } },
      [GANG]: { status: 'RUNNING', history: [recorded('2026-11-27T07:00:00.000Z', ['of another incident'])] },
    });
    expect((await explained(server)).incidentEvidence).toEqual({
      host: 'laptop-2',
      rank: null,
      lines: [],
      file: '/mnt/ws/runs/tiny/incidents/0001.json',
    });
  });
});
