import { describe, expect, it } from 'vitest';
import { planFor, startRun } from '../../src/client/runs.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type { RunMemo } from '../../src/schemas/run.js';
import { fakeServer, type FakeWorkflow } from './fake.js';

const REQUEST = {
  ...{ specText: cpuTiny.template, file: '/specs/tiny.yaml', run: null },
  ...{ isNew: false, from: null, until: null },
};
const DIGEST = planFor(REQUEST).plan.specDigest;
const RUN = 'temper/run/tiny';
const MEMO: RunMemo = {
  ...{ v: 1, state: 'done', stage: null, reason: null, fix: null, code: null, checkpoint: null, ettr: null },
  stages: [],
};

describe('a run that ended after the stage that it was started for', () => {
  const stages: RunMemo['stages'] = [
    { name: 'weights', state: 'done' },
    { name: 'train', state: 'skipped' },
  ];
  const done: FakeWorkflow = {
    status: 'COMPLETED',
    memo: { temper: { ...MEMO, stages }, temperSpec: DIGEST },
  };

  it('is the answer to the same request', async () => {
    const server = fakeServer({ [RUN]: done });
    expect(await startRun(server.client, { ...REQUEST, until: 'weights' })).toMatchObject({ started: false });
  });

  it.each([null, 'train'] as const)('is not the answer to one up to %s', async (until) => {
    const server = fakeServer({ [RUN]: done });
    await expect(startRun(server.client, { ...REQUEST, until })).rejects.toMatchObject({
      problem: {
        code: 'RunExists',
        what: expect.stringContaining('ended after the stage weights'),
        fix: expect.stringContaining('--new'),
      },
    });
  });
});
