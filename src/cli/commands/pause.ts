import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper pause RUN`: stops what runs and parks the run, holding no host; answers when it has stopped. */
export async function pause(context: CommandContext, wanted: string, flags: ConnectFlags): Promise<ExitStatus> {
  return withRuns(context, flags, async (runs) => {
    const { run } = await findRun(runs, wanted);
    await runs.pauseRun(run);
    context.output.result({ v: 1, run, paused: true }, () => `${run} is paused; temper resume ${run} continues it`);
    return EXIT.ok;
  });
}
