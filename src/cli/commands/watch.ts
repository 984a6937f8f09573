import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { watchUntilEnd } from '../follow.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper watch [RUN]`: follows a run; exits with its result, and with 130 when Ctrl-C stops the watching. */
export async function watch(
  context: CommandContext,
  wanted: string | undefined,
  flags: ConnectFlags,
): Promise<ExitStatus> {
  return withRuns(context, flags, async (runs) =>
    watchUntilEnd(context, runs, (await findRun(runs, wanted ?? '@last')).run),
  );
}
