import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { readNetwork, type Config } from '../config.js';
import { HostNameSchema } from '../schemas/units.js';
import { TemperError } from '../domain/errors.js';
import type { HostContext } from './context.js';

/** What a process knows of the host that it runs on. */
export interface ThisHost {
  readonly config: Config;
  readonly name: string;
  readonly options: { readonly fleet: string; readonly scratch?: string; readonly address?: string };
}

/** What this machine is as a host of its fleet, from the configuration and the flags of its worker. */
export function hostContext({ config, name, options }: ThisHost): HostContext {
  const named = HostNameSchema.safeParse(name);
  if (!named.success) {
    throw new TemperError('UsageInvalid', {
      where: '--name',
      what: `${JSON.stringify(name)} is no host name`,
      why: named.error.issues[0]?.message ?? '',
    });
  }
  const dist = join(config.root, 'dist');
  return {
    name: named.data,
    fleet: options.fleet,
    scratch: resolve(options.scratch ?? join(config.home, 'hosts', name)),
    address: options.address ?? '127.0.0.1',
    keeperBundle: join(dist, 'keeper.mjs'),
    programsRoot: join(dist, 'recipes'),
    tools: {
      python: config.python,
      node: process.execPath,
      temper: join(config.root, 'bin', 'temper.js'),
      cpus: availableParallelism(),
    },
    network: readNetwork(),
  };
}
