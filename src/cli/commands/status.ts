import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { renderResult } from '../render/report.js';
import { renderStatus } from '../render/status.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper status [RUN]`: one run, the newest by default; the exit status tells whether it could be told, not its result. */
export async function status(
  context: CommandContext,
  wanted: string | undefined,
  flags: ConnectFlags,
): Promise<ExitStatus> {
  const found = await withRuns(context, flags, async (runs) => runs.explainRun(await findRun(runs, wanted ?? '@last')));
  context.output.result(found, (paint) => {
    const text = renderStatus(found, paint, Date.now());
    return found.result === null ? text : `${text}\n\n${renderResult(found.result)}`;
  });
  return EXIT.ok;
}
