import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { renderFleet } from '../render/fleet.js';
import type { ConnectFlags } from '../../client/connect.js';

interface FleetOptions extends ConnectFlags {
  readonly fleet: string;
}

/** `temper hosts`: hosts of a fleet, who holds them, and who waits. */
export async function hosts(context: CommandContext, options: FleetOptions): Promise<ExitStatus> {
  const state = await withRuns(context, options, (runs) => runs.getFleet(options.fleet));
  context.output.result(state, () => renderFleet(options.fleet, state, Date.now()));
  return EXIT.ok;
}

/** `temper cordon HOST --reason TEXT`: no lease gets the host until `temper uncordon HOST`. */
export async function cordon(
  context: CommandContext,
  host: string,
  options: FleetOptions & { readonly reason: string },
): Promise<ExitStatus> {
  const reason = options.reason.trim();
  if (reason === '' || reason.length > MOST_CHARS) {
    throw new TemperError('UsageInvalid', {
      where: '--reason',
      what: reason === '' ? 'the reason is empty' : `the reason has ${reason.length} characters`,
      fix: `say why in 1 to ${MOST_CHARS} characters`,
    });
  }
  const state = await withRuns(context, options, (runs) => runs.cordonHost(options.fleet, host, reason));
  context.output.result(state, () => renderFleet(options.fleet, state, Date.now()));
  return EXIT.ok;
}

/** `temper uncordon HOST`. */
export async function uncordon(context: CommandContext, host: string, options: FleetOptions): Promise<ExitStatus> {
  const state = await withRuns(context, options, (runs) => runs.uncordonHost(options.fleet, host));
  context.output.result(state, () => renderFleet(options.fleet, state, Date.now()));
  return EXIT.ok;
}

/** The fleet carries it from history to history. */
const MOST_CHARS = 200;
