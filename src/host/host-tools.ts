import { join } from 'node:path';
import type { HostContext } from './context.js';
import type { HostTools, Recipe } from '../recipes/recipe.js';
import type { PipelineSpec } from '../schemas/spec.js';

/** Programs and folders of this host as a recipe uses them for a spec. */
export function hostTools(
  host: Pick<HostContext, 'scratch' | 'programsRoot' | 'tools'>,
  recipe: Pick<Recipe, 'environment' | 'programsFolder'>,
  spec: PipelineSpec,
): HostTools {
  const place = recipe.environment.place?.(spec, host.scratch);
  return {
    ...host.tools,
    python: spec.environment.python ?? place?.python ?? host.tools.python,
    programs: join(host.programsRoot, recipe.programsFolder),
    ...(place === undefined ? {} : { environment: place.root }),
  };
}
