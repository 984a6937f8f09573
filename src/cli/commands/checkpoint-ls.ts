import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { renderCheckpoints } from '../render/checkpoints.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper checkpoint ls RUN`: the checkpoints of a run and what its attempts restored, seen by a host. */
export async function checkpointLs(context: CommandContext, wanted: string, flags: ConnectFlags): Promise<ExitStatus> {
  const list = await withRuns(context, flags, async (runs) => {
    const { run } = await findRun(runs, wanted);
    return runs.listCheckpoints(run);
  });
  context.output.result(list, (paint) => renderCheckpoints(list, paint, Date.now()));
  return EXIT.ok;
}
