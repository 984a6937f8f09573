import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderSchedule, renderSchedules } from '../render/schedules.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper schedule ls`. */
export async function scheduleLs(context: CommandContext, flags: ConnectFlags): Promise<ExitStatus> {
  const list = await withRuns(context, flags, (runs) => runs.schedules.list());
  context.output.result(list, (paint) => renderSchedules(list, paint, Date.now()));
  return EXIT.ok;
}

/** `temper schedule describe NAME`: next times, last runs, and why the last one trained nothing. */
export async function scheduleDescribe(
  context: CommandContext,
  name: string,
  flags: ConnectFlags,
): Promise<ExitStatus> {
  const report = await withRuns(context, flags, (runs) => runs.schedules.describe(name));
  context.output.result(report, (paint) => renderSchedule(report, paint, Date.now()));
  return EXIT.ok;
}
