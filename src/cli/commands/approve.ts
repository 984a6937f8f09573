import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { whoAsks } from '../who-asks.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper approve RUN`: lets a retrain promote its model, or refuses it. */
export async function approve(
  context: CommandContext,
  run: string,
  options: ConnectFlags & { readonly refuse?: boolean; readonly reason?: string },
): Promise<ExitStatus> {
  const isApproved = options.refuse !== true;
  const answer = {
    isApproved,
    by: whoAsks(context.io),
    reason: options.reason ?? (isApproved ? 'approved' : 'refused'),
  };
  const approved = await withRuns(context, options, (runs) => runs.schedules.approve(run, answer));
  context.output.result(approved, () => (isApproved ? `${run} is approved and being promoted` : `${run} is refused`));
  return EXIT.ok;
}
