import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { triedAgain } from '../../src/client/failure-problem.js';
import { problem } from '../../src/domain/errors.js';

const WAITS = 1;
const RUNS = 2;
const told = problem('WorkspaceUnusable', { where: '/w', what: 'no space is left', fix: 'free some' });
const lastFailure = {
  message: 'no space is left',
  applicationFailureInfo: { details: { payloads: [defaultPayloadConverter.toPayload(told)] } },
};

/** As the server describes workflows. */
function open(...activities: readonly object[]): Parameters<typeof triedAgain>[0] {
  return [{ raw: {} }, { raw: { pendingActivities: activities } }] as unknown as Parameters<typeof triedAgain>[0];
}

describe('a call that fails again and again', () => {
  it('is told with its problem, which the end of the call would only tell later', () => {
    expect(triedAgain(open({ state: RUNS, attempt: 9 }, { state: WAITS, attempt: 4, lastFailure }))).toEqual({
      ...told,
      what: 'no space is left (tried again by itself)',
    });
  });

  it.each([
    ['nothing is under way', open()],
    ['the first tries may still help', open({ state: WAITS, attempt: 2, lastFailure })],
    ['it goes on now, whatever was before', open({ state: RUNS, attempt: 30, lastFailure })],
    ['a worker was lost, which is told elsewhere', open({ state: WAITS, attempt: 4, lastFailure: { message: 'x' } })],
  ])('is not told where %s', (_what, workflows) => {
    expect(triedAgain(workflows)).toBeNull();
  });
});
