import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderFleet } from '../render/fleet.js';
import type { ConnectFlags } from '../../client/connect.js';

/** `temper hosts`: hosts of a fleet, who holds them, and who waits. */
export async function hosts(
  context: CommandContext,
  options: ConnectFlags & { readonly fleet: string },
): Promise<ExitStatus> {
  const state = await withRuns(context, options, (runs) => runs.getFleet(options.fleet));
  context.output.result(state, () => renderFleet(options.fleet, state, Date.now()));
  return EXIT.ok;
}
