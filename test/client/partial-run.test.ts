import { describe, expect, it } from 'vitest';
import { planFor, startRun } from '../../src/client/runs.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type { StageStatus } from '../../src/schemas/run.js';
import { fakeServer } from './fake.js';

const REQUEST = {
  specText: cpuTiny.template,
  file: '/specs/tiny.yaml',
  run: null,
  isNew: false,
  from: null,
  until: null,
};

/** A server with a run of this spec that is done. */
function withDone(stages: readonly StageStatus[]) {
  const rest = { stage: null, reason: null, fix: null, code: null, checkpoint: null, ettr: null };
  const temper = { v: 1, state: 'done', ...rest, stages };
  const memo = { temper, temperSpec: planFor(REQUEST).plan.specDigest };
  return fakeServer({ 'temper/run/tiny': { status: 'COMPLETED', memo } }).client;
}

describe('a run that is done', () => {
  it('is no answer to a start of all stages when --until ended it', async () => {
    const client = withDone([
      { name: 'environment', state: 'done' },
      { name: 'weights', state: 'reused' },
      { name: 'data', state: 'skipped' },
    ]);
    await expect(startRun(client, REQUEST)).rejects.toMatchObject({
      problem: {
        code: 'RunExists',
        what: 'run tiny is done, but only up to weights',
        why: 'it was started with --until, so data did not run',
        fix: expect.stringContaining('--new continues from what is done'),
      },
    });
  });

  it('is the answer when it went through all stages', async () => {
    const client = withDone([{ name: 'weights', state: 'done' }]);
    expect(await startRun(client, REQUEST)).toMatchObject({ run: 'tiny', started: false });
  });
});
