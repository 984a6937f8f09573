import type { ScheduleDescription, ScheduleExecutionResult } from '@temporalio/client';
import { TemperError } from '../../domain/errors.js';
import { endOf } from '../../domain/closed-status.js';
import { nameOfScheduleId, scheduleId } from '../../domain/ids.js';
import { showInZone } from '../../domain/retrain/dates.js';
import { RetrainMemoSchema, type RetrainInput, type When } from '../../schemas/retrain.js';
import type { ScheduleList, ScheduleReport, ScheduleRun } from '../../schemas/schedule.js';
import type { TemperClient } from '../connect.js';
import { describe } from '../run-status.js';
import { appliedInput, describeById } from './apply.js';

const NEXT_TIMES = 5;

/** One schedule: when it runs next, what its last runs did, and why. */
export async function describeSchedule(client: TemperClient, name: string): Promise<ScheduleReport> {
  const { description, input } = await findSchedule(client, name);
  return reportOf(client, description, input);
}

/** All retrain schedules, by name. */
export async function listSchedules(client: TemperClient): Promise<ScheduleList> {
  const schedules: ScheduleReport[] = [];
  for await (const { scheduleId: id } of client.temporal.schedule.list()) {
    const description = nameOfScheduleId(id) === null ? null : await describeById(client, id);
    const input = description === null ? null : appliedInput(description);
    if (description !== null && input !== null) schedules.push(await reportOf(client, description, input));
  }
  return { v: 1, schedules: schedules.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** A schedule and what it was applied with. */
export async function findSchedule(
  client: TemperClient,
  name: string,
): Promise<{ description: ScheduleDescription; input: RetrainInput }> {
  const description = await describeById(client, scheduleId(name));
  const input = description === null ? null : appliedInput(description);
  if (description !== null && input !== null) return { description, input };
  throw new TemperError('ScheduleNotFound', {
    where: scheduleId(name),
    what:
      description === null
        ? `there is no schedule ${name}`
        : `schedule ${name} was not applied by a Temper that this one can read`,
  });
}

/** What one start of a schedule became. */
export async function runOf(client: TemperClient, { takenAt, action }: ScheduleExecutionResult): Promise<ScheduleRun> {
  const { workflowId } = action.workflow;
  const base = { at: takenAt.toISOString(), workflowId, run: null, reason: null, phase: null };
  const description = await describe(client, workflowId);
  if (description === null) return { ...base, state: 'forgotten' };
  const parsed = RetrainMemoSchema.safeParse(description.memo?.['temperRetrain']);
  const memo = parsed.success ? parsed.data : null;
  const told = { run: memo?.run ?? null, reason: memo?.reason ?? null, phase: memo?.phase ?? null };
  return { ...base, ...told, state: endOf(description.status.name) ?? memo?.state ?? 'running' };
}

async function reportOf(
  client: TemperClient,
  description: ScheduleDescription,
  input: RetrainInput,
): Promise<ScheduleReport> {
  const { info, state } = description;
  const { timezone } = input.when;
  const runs = await Promise.all([...info.recentActions].reverse().map((action) => runOf(client, action)));
  const skipped = runs.find((run) => run.state === 'skipped' || run.state === 'refused');
  return {
    v: 1,
    name: input.schedule,
    scheduleId: description.scheduleId,
    model: input.model,
    workspace: input.workspace,
    fleet: input.fleet,
    isPaused: state.paused,
    note: state.note ?? null,
    when: whenText(input.when),
    timezone,
    overlap: input.when.overlap,
    catchupMs: input.when.catchupMs,
    startFrom: input.startFrom,
    gate: input.gate,
    approvalMs: input.approvalMs,
    keep: input.keep,
    nextTimes: info.nextActionTimes.slice(0, NEXT_TIMES).map((time) => {
      const at = time.toISOString();
      return { at, local: showInZone(at, timezone) };
    }),
    taken: info.numActionsTaken,
    skippedByOverlap: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    runs,
    lastSkip: skipped?.reason ?? null,
  };
}

function whenText({ cron, everyMs, jitterMs }: When): string {
  const base = cron ?? `every ${(everyMs ?? 0) / 1_000} s`;
  return jitterMs === 0 ? base : `${base}, up to ${jitterMs / 1_000} s later`;
}
