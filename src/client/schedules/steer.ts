import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { TemperError } from '../../domain/errors.js';
import { scheduleId } from '../../domain/ids.js';
import type { ScheduleDone } from '../../schemas/schedule.js';
import type { TemperClient } from '../connect.js';
import { describeById } from './apply.js';
import { findSchedule, runOf } from './report.js';
import { backfillTimes } from './backfill-times.js';
import { otherRetrain } from './running.js';

/** How long the server may take to start what was triggered; a schedule decides within a second. */
const TRIGGER_MS = 10_000;

/** Keeps a schedule from starting runs; one that is under way goes on. */
export async function pauseSchedule(client: TemperClient, name: string, note: string): Promise<ScheduleDone> {
  const { description } = await findSchedule(client, name);
  await client.temporal.schedule.getHandle(scheduleId(name)).pause(note);
  const queued = Number(description.raw.info?.bufferSize ?? 0);
  const rest = queued === 0 ? '' : `; ${queued} queued ${queued === 1 ? 'start' : 'starts'} will be skipped`;
  return done(name, 'paused', `${name} is paused: ${note}${rest}`);
}

/** Lets a paused schedule start runs again. */
export async function unpauseSchedule(client: TemperClient, name: string, note: string): Promise<ScheduleDone> {
  await findSchedule(client, name);
  await client.temporal.schedule.getHandle(scheduleId(name)).unpause(note);
  return done(name, 'unpaused', `${name} runs again: ${note}`);
}

/** Starts a run now, under the schedule's own overlap policy: the SDK's default would train beside a running one. */
export async function triggerSchedule(client: TemperClient, name: string): Promise<ScheduleDone> {
  const { description, input } = await findSchedule(client, name);
  const { numActionsTaken, numActionsSkippedOverlap, runningActions } = description.info;
  const own = runningActions.map(({ workflow }) => workflow.workflowId);
  const other = await otherRetrain(client, input, own);
  if (other !== null)
    return done(name, 'skipped', `${name} started nothing: another retrain of model ${input.model} runs: ${other}`);
  await client.temporal.schedule.getHandle(scheduleId(name)).trigger(input.when.overlap);
  const until = Date.now() + TRIGGER_MS;
  for (;;) {
    const now = await describeById(client, scheduleId(name));
    if (now === null) throw new TemperError('ScheduleNotFound', { what: `schedule ${name} was deleted meanwhile` });
    const newest = now.info.recentActions.at(-1);
    if (now.info.numActionsTaken > numActionsTaken && newest !== undefined) {
      const run = await runOf(client, newest);
      return { ...done(name, 'triggered', `${name} started ${run.workflowId}`), run };
    }
    const [running] = runningActions;
    if (now.info.numActionsSkippedOverlap > numActionsSkippedOverlap)
      return done(name, 'skipped', `${name} started nothing: ${running?.workflow.workflowId ?? 'a run'} is under way`);
    if (Date.now() > until) return done(name, 'triggered', `${name} will start a run when the one under way has ended`);
    await sleep(100);
  }
}

/**
 * Starts the runs of a time that has passed, one after the other. BUFFER_ALL, because SKIP would run the first one only
 * and BUFFER_ONE the first two.
 */
export async function backfillSchedule(
  client: TemperClient,
  name: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<ScheduleDone> {
  const { description, input } = await findSchedule(client, name);
  // The server would start them all the same: a pause holds back only what is due.
  if (description.state.paused)
    throw new TemperError('UsageInvalid', {
      where: scheduleId(name),
      what: `schedule ${name} is paused: ${description.state.note ?? 'no reason was given'}`,
      why: 'a paused schedule is meant to start nothing',
      fix: `temper schedule unpause ${name}, then the backfill again`,
    });
  const { timezone } = input.when;
  const { start, end } = backfillTimes({ from, to }, timezone);
  if (start.getTime() > Date.now()) throw new TemperError('UsageInvalid', { what: `--from ${from} has not come yet` });
  // What has not come yet is the schedule's own business.
  const until = new Date(Math.min(end.getTime(), Date.now()));
  await client.temporal.schedule
    .getHandle(scheduleId(name))
    .backfill({ start, end: until, overlap: ScheduleOverlapPolicy.BUFFER_ALL });
  return done(
    name,
    'backfilled',
    `${name} runs what was due from ${start.toISOString()} to ${until.toISOString()}, one after the other`,
  );
}

/** Deletes a schedule; a run that is under way goes on. */
export async function deleteSchedule(client: TemperClient, name: string): Promise<ScheduleDone> {
  const { description } = await findSchedule(client, name);
  await client.temporal.schedule.getHandle(scheduleId(name)).delete();
  const [running] = description.info.runningActions;
  const rest = running === undefined ? '' : `; ${running.workflow.workflowId} goes on`;
  return done(name, 'deleted', `${name} is deleted${rest}`);
}

function done(name: string, did: ScheduleDone['did'], text: string): ScheduleDone {
  return { v: 1, name, did, text, run: null };
}
