import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { backfillTimes } from '../../client/schedules/backfill-times.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import type { ScheduleService } from '../run-service.js';
import type { ScheduleDone } from '../../schemas/schedule.js';
import type { ConnectFlags } from '../../client/connect.js';

type WithNote = ConnectFlags & { readonly note?: string };

/** `temper schedule pause NAME`. */
export function schedulePause(context: CommandContext, name: string, options: WithNote): Promise<ExitStatus> {
  return steer(context, options, (schedules) =>
    schedules.pause(name, options.note ?? 'paused by temper schedule pause'),
  );
}

/** `temper schedule unpause NAME`. */
export function scheduleUnpause(context: CommandContext, name: string, options: WithNote): Promise<ExitStatus> {
  return steer(context, options, (schedules) =>
    schedules.unpause(name, options.note ?? 'unpaused by temper schedule unpause'),
  );
}

/** `temper schedule trigger NAME`. */
export function scheduleTrigger(context: CommandContext, name: string, flags: ConnectFlags): Promise<ExitStatus> {
  return steer(context, flags, (schedules) => schedules.trigger(name));
}

/** `temper schedule backfill NAME --from TIME --to TIME`. */
export async function scheduleBackfill(
  context: CommandContext,
  name: string,
  options: ConnectFlags & { readonly from: string; readonly to: string },
): Promise<ExitStatus> {
  // Their order depends on the schedule's zone; what is no time at all is told before anybody connects.
  for (const text of [options.from, options.to]) backfillTimes({ from: text, to: text }, 'UTC');
  return steer(context, options, (schedules) => schedules.backfill(name, options));
}

/** `temper schedule delete NAME`; asks first. */
export async function scheduleDelete(
  context: CommandContext,
  name: string,
  options: ConnectFlags & { readonly yes?: boolean },
): Promise<ExitStatus> {
  if (options.yes !== true && !(await context.io.confirm(`Delete the schedule ${name}?`))) {
    throw new TemperError('UsageInvalid', {
      what: `${name} was not deleted`,
      why: 'nobody confirmed it',
      fix: `temper schedule delete ${name} --yes, or temper schedule pause ${name}`,
    });
  }
  return steer(context, options, (schedules) => schedules.delete(name));
}

async function steer(
  context: CommandContext,
  flags: ConnectFlags,
  act: (schedules: ScheduleService) => Promise<ScheduleDone>,
): Promise<ExitStatus> {
  const done = await withRuns(context, flags, (runs) => act(runs.schedules));
  context.output.result(done, () => done.text);
  return EXIT.ok;
}
