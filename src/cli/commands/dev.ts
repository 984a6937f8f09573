import type { ExitStatus } from '../../domain/errors.js';
import type { CommandContext } from '../context.js';
import { runDev } from '../dev/run-dev.js';
import type { DevOptions } from '../dev/run-dev.js';

/** `temper dev`: a server and workers on this machine, for a first try and for development. */
export async function dev(context: CommandContext, options: DevOptions): Promise<ExitStatus> {
  return runDev(context, options);
}
