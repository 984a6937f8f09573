import { dirname, join } from 'node:path';
import { fingerprint } from '../../domain/fingerprint.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { EnvironmentPlace, HostTools } from '../recipe.js';
import { SOURCE_NAMES, sourcesOf, type SourceName } from './sources.js';
import { wantedPackages } from './environment/packages.js';

/**
 * Where the environment lies: in a folder named by what is wanted, so that runs with other commits or versions never
 * change each other's.
 */
export function environmentPlace(spec: PipelineSpec, scratch: string): EnvironmentPlace {
  const { location, folder, basePython, python } = spec.environment;
  const isShared = location === 'shared';
  const sources = sourcesOf(spec);
  const wanted = {
    refs: SOURCE_NAMES.map((name) => [sources[name].ref, sources[name].url]),
    packages: wantedPackages(spec),
    basePython: basePython ?? null,
  };
  const parent = folder ?? join(isShared ? spec.workspace : scratch, 'environments');
  const root = join(parent, `mindspeed-mm-${fingerprint(wanted).slice(0, 12)}`);
  return { root, python: python ?? join(root, 'venv', 'bin', 'python'), isShared };
}

/** Whether the spec names an environment that exists: then nothing is installed. */
export function isExisting({ environment }: Pick<PipelineSpec, 'environment'>): boolean {
  return environment.python !== undefined || environment.checkouts !== undefined;
}

/** Folder of a checkout on a host; that of `mindspeedMm` is the working directory of everything. */
export function checkoutOf(name: SourceName, spec: PipelineSpec, tools: Pick<HostTools, 'environment'>): string {
  const given = spec.environment.checkouts?.[name];
  if (given !== undefined) return given;
  const { folder } = sourcesOf(spec)[name];
  const base = spec.environment.checkouts?.['mindspeedMm'];
  // Beside a given checkout of MindSpeed-MM, the others lie where the guide puts them.
  if (base !== undefined)
    return join(dirname(base), folder.replace(/^MindSpeed-MM/, base.slice(dirname(base).length + 1)));
  if (tools.environment === undefined) throw new TypeError('the host was not told where the environment lies');
  return join(tools.environment, folder);
}
