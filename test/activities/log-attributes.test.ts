import { log } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { logAttributes } from '../../src/activities/log-attributes.js';
import { makeLogger, temporalLogger } from '../../src/logger.js';

/** What an activity logs that is given this argument, on its third try by Temporal. */
async function lineOf(argument: unknown, workflowId: string): Promise<Record<string, unknown>> {
  const lines: string[] = [];
  const logger = temporalLogger(makeLogger('info', { host: 'h1' }, { write: (line) => lines.push(line) }));
  const info = { attempt: 3, workflowExecution: { workflowId, runId: 'r' } };
  const environment = new MockActivityEnvironment(info, { logger, interceptors: [logAttributes] });
  await environment.run(async (_given: unknown) => log.warn('said'), argument);
  const [line = '{}'] = lines;
  expect(line).not.toContain('oken');
  return JSON.parse(line);
}

it('the attempt of a line is the training, and how often Temporal tried the activity has a name of its own', async () => {
  const call = { run: 'tiny', stage: { name: 'train' }, attempt: { attempt: 2 } };
  const told = { host: 'h1', run: 'tiny', stage: 'train', attempt: 2, activityAttempt: 3, msg: 'said' };
  expect(await lineOf(call, 'temper/run/tiny/train')).toMatchObject(told);
  const incident = { incident: { run: 'tiny', attempt: 2 } };
  expect(await lineOf(incident, 'temper/run/tiny/train')).toMatchObject(told);
});

it('a line of an activity that belongs to no training names none, and still the run and the stage', async () => {
  const line = await lineOf({ run: 'tiny', stage: { name: 'convert' } }, 'temper/run/tiny');
  expect(line).toMatchObject({ host: 'h1', run: 'tiny', stage: 'convert', activityAttempt: 3 });
  expect(line).not.toHaveProperty('attempt');
  expect(await lineOf({ fleet: 'f' }, 'temper/run/tiny')).toMatchObject({ run: 'tiny', activityAttempt: 3 });
  expect(await lineOf({ fleet: 'f' }, 'temper/f/fleet')).not.toHaveProperty('run');
});
