import { ScheduleNotFoundError, type ScheduleDescription } from '@temporalio/client';
import { TemperError } from '../../domain/errors.js';
import { nameOfScheduleId, scheduleId } from '../../domain/ids.js';
import { settingChanges } from '../../domain/retrain/settings.js';
import { RetrainInputSchema, type RetrainInput } from '../../schemas/retrain.js';
import type { ScheduleApplied } from '../../schemas/schedule.js';
import type { TemperClient } from '../connect.js';
import { makeRetrainInput, type ScheduleRequest } from './make-input.js';
import { optionsOf } from './options.js';
import { otherRetrain } from './running.js';
import { serverChanges, serverWhen } from './server-settings.js';

/** Creates or updates a schedule, or tells what that would change. */
export async function applySchedule(
  client: TemperClient,
  request: ScheduleRequest,
  isDryRun: boolean,
): Promise<ScheduleApplied> {
  const input = makeRetrainInput(request, client.target.timing, new Date().toISOString());
  const name = input.schedule;
  await assertOnlyOne(client, input);
  const existing = await describeById(client, scheduleId(name));
  const before = existing === null ? null : appliedInput(existing);
  const changes = [
    ...settingChanges(before, input),
    ...(existing === null || before === null ? [] : serverChanges(existing, before)),
  ];
  const action = existing === null ? 'created' : changes.length === 0 ? 'unchanged' : 'updated';
  const own = existing?.info.runningActions.map((running) => running.workflow.workflowId) ?? [];
  const running = await otherRetrain(client, input, own);
  const answer: ScheduleApplied = { v: 1, name, action, isDryRun, changes, running };
  if (isDryRun || action === 'unchanged') return answer;
  const options = optionsOf(input);
  if (existing === null) await client.temporal.schedule.create({ scheduleId: scheduleId(name), ...options });
  else {
    await client.temporal.schedule
      .getHandle(scheduleId(name))
      // Paused stays paused: why it was is not answered by another spec.
      .update(({ state }) => ({
        ...options,
        state: { paused: state.paused, ...(state.note === undefined ? {} : { note: state.note }) },
      }));
  }
  return answer;
}

/** Description of a schedule, or null when there is none. */
export async function describeById(client: TemperClient, id: string): Promise<ScheduleDescription | null> {
  try {
    return await client.temporal.schedule.getHandle(id).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** The input that a schedule was applied with, with its times and policies as the server has them; null for one that is not ours. */
export function appliedInput(description: ScheduleDescription): RetrainInput | null {
  const { action } = description;
  const parsed = RetrainInputSchema.safeParse(action.type === 'startWorkflow' ? action.args?.[0] : null);
  return parsed.success ? { ...parsed.data, when: serverWhen(description, parsed.data.when) } : null;
}

/** What all schedules of ours were applied with. */
export async function appliedInputs(client: TemperClient): Promise<RetrainInput[]> {
  const inputs: RetrainInput[] = [];
  for await (const { scheduleId: id } of client.temporal.schedule.list()) {
    const found = nameOfScheduleId(id) === null ? null : await describeById(client, id);
    const input = found === null ? null : appliedInput(found);
    if (input !== null) inputs.push(input);
  }
  return inputs;
}

/** Two schedules of one model could train side by side and promote over each other. */
async function assertOnlyOne(client: TemperClient, input: RetrainInput): Promise<void> {
  for (const applied of await appliedInputs(client)) {
    if (applied.schedule === input.schedule) continue;
    if (applied.model !== input.model || applied.workspace !== input.workspace) continue;
    throw new TemperError('UsageInvalid', {
      where: input.schedule,
      what: `schedule ${applied.schedule} retrains the model ${input.model} of this workspace already`,
      why: 'two retrains at once would promote over each other',
      fix: `give another model:, or temper schedule delete ${applied.schedule}`,
    });
  }
}
