import { describe, expect, it } from 'vitest';
import * as ids from '../../src/domain/ids.js';
import { isClosedStatus } from '../../src/domain/closed-status.js';
import { KeeperIdSchema } from '../../src/schemas/keeper.js';

describe('names', () => {
  it.each([
    [ids.fleetWorkflowId('lab'), 'temper/lab/fleet'],
    [ids.runWorkflowId('tiny'), 'temper/run/tiny'],
    [ids.gangWorkflowId('tiny'), 'temper/run/tiny/train'],
    [ids.controlQueue('lab'), 'temper/lab/control'],
    [ids.hostQueue('lab', 'h1.example', 'ctl'), 'temper/lab/h1.example/ctl'],
    [ids.hostQueue('lab', 'h1', 'run'), 'temper/lab/h1/run'],
    [ids.keeperId('tiny', 'weights', 'make', 2, '0a1b2c3d'), 'tiny.weights.make.2-0a1b2c3d'],
    [ids.keeperPrefix('tiny', 'weights'), 'tiny.weights.'],
    [ids.stageActivityId('weights', 2), 'weights-2'],
    [ids.stageActivityId('environment', 2, 'h1'), 'environment-2-h1'],
    [ids.trainActivityId(3, 7), 'train-a3-h07'],
    [ids.attemptFolder(3), '0003'],
    [ids.attemptFolder(12_345), '12345'],
  ])('%s', (made, expected) => {
    expect(made).toBe(expected);
  });

  it.each([
    ['temper/run/tiny-2', 'tiny-2'],
    ['temper/run/tiny/train', null],
    ['temper/lab/fleet', null],
    ['other', null],
  ])('of the run of workflow %s is %s', (workflowId, run) => {
    expect(ids.runOfWorkflowId(workflowId)).toBe(run);
  });

  it.each([
    ['temper/retrain/nightly-2026-11-26T20:11:08Z', 'nightly'],
    ['temper/retrain/nightly-2-2026-11-26T20:11:08Z', 'nightly-2'],
    ['temper/retrain/nightly', null],
    ['temper/run/tiny', null],
    ['', null],
  ])('of the schedule of workflow %s is %s', (workflowId, schedule) => {
    expect(ids.scheduleOfRetrain(workflowId)).toBe(schedule);
  });

  it.each([
    ['0003', 3],
    ['12345', 12_345],
    ['003', null],
    ['0003.tmp', null],
    ['fence', null],
  ])('attempt of folder %s is %s', (name, attempt) => {
    expect(ids.attemptOfFolder(name)).toBe(attempt);
  });

  it('of keepers fit their schema with the longest parts, and never meet those of another run', () => {
    const longest = ids.keeperId('r'.repeat(40), 'environment', `convert-${'d'.repeat(40)}`, 9_999, '0a1b2c3d');
    expect(KeeperIdSchema.safeParse(longest).success).toBe(true);
    expect(ids.keeperId('tiny-2', 'data', 'x', 1, 'c').startsWith(ids.keeperPrefix('tiny', 'data'))).toBe(false);
  });
});

describe('a workflow', () => {
  it.each([
    ['COMPLETED', true],
    ['FAILED', true],
    ['CANCELLED', true],
    ['TERMINATED', true],
    ['TIMED_OUT', true],
    ['RUNNING', false],
    ['PAUSED', false],
    ['CONTINUED_AS_NEW', false],
    ['UNKNOWN', false],
  ])('that is %s is closed: %s', (status, isClosed) => {
    expect(isClosedStatus(status)).toBe(isClosed);
  });
});
