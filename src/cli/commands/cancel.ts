import { EXIT, TemperError } from '../../domain/errors.js';
import { scheduleOfRetrain } from '../../domain/ids.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { whoAsks } from '../who-asks.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper cancel RUN`: ends a run, or a retrain by the id of its workflow, for good; asks first. */
export async function cancel(
  context: CommandContext,
  wanted: string,
  options: ConnectFlags & { readonly yes?: boolean; readonly reason?: string },
): Promise<ExitStatus> {
  const { output, io } = context;
  return withRuns(context, options, async (runs) => {
    const isRetrain = scheduleOfRetrain(wanted) !== null;
    const { run, state } = isRetrain ? { run: wanted, state: 'a retrain' } : await findRun(runs, wanted);
    if (
      options.yes !== true &&
      !(await io.confirm(`Cancel ${run} (${state})? Its commands are stopped and it cannot be resumed.`))
    ) {
      throw new TemperError('UsageInvalid', {
        what: `${run} was not cancelled`,
        why: 'nobody confirmed it',
        fix: `temper cancel ${run} --yes${isRetrain ? '' : `, or temper pause ${run} to be able to resume`}`,
      });
    }
    const schedule = await runs.cancelRun(run, { by: whoAsks(io), why: options.reason ?? null });
    output.result({ v: 1, run, cancelled: true, schedule }, () =>
      schedule === null
        ? `${run} is being cancelled; temper watch ${run} follows it`
        : `the retrain ${isRetrain ? '' : 'of '}${run} is being cancelled; temper schedule describe ${schedule} shows it`,
    );
    return EXIT.ok;
  });
}
