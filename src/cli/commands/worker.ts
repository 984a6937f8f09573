import { resolve } from 'node:path';
import type { ConnectFlags } from '../../client/connect.js';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { NameSchema } from '../../schemas/units.js';
import { runWorker } from '../../worker.js';
import type { CommandContext } from '../context.js';

/** Options of `temper worker`. */
export interface WorkerFlags extends ConnectFlags {
  readonly role: 'control' | 'host';
  readonly fleet: string;
  readonly name?: string;
  readonly scratch?: string;
  readonly trainAddress?: string;
  readonly label?: readonly string[];
}

/** `temper worker`: a worker until SIGTERM or Ctrl-C. */
export async function worker({ io }: CommandContext, options: WorkerFlags): Promise<ExitStatus> {
  const { role, fleet, name, scratch, trainAddress, label, ...flags } = options;
  if (!NameSchema.safeParse(fleet).success) {
    throw new TemperError('UsageInvalid', {
      where: '--fleet',
      what: `${JSON.stringify(fleet)} is no fleet name`,
      why: 'it becomes part of queue names',
      fix: 'give a name such as default',
    });
  }
  await runWorker({
    role,
    fleet,
    flags,
    ...(name === undefined ? {} : { name }),
    ...(scratch === undefined ? {} : { scratch: resolve(io.cwd, scratch) }),
    ...(trainAddress === undefined ? {} : { address: trainAddress }),
    ...(label === undefined ? {} : { labels: label }),
  });
  return EXIT.ok;
}
