import { TemperError } from '../domain/errors.js';
import { readStoredSpec } from '../domain/spec/read-spec.js';
import type { Resources } from '../schemas/plan.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { Recipe } from './recipe.js';

/** Spec, recipe and needs of the training of a spec with absolute paths; null when no spec is given. */
export function plannedLaunch(
  specText: string | null,
  findRecipe: (id: string) => Recipe | null,
): { readonly spec: PipelineSpec; readonly recipe: Recipe; readonly needs: Resources } | null {
  if (specText === null) return null;
  const { spec } = readStoredSpec(specText);
  const recipe = spec === null ? null : findRecipe(spec.recipe);
  if (spec === null || recipe === null) {
    throw new TemperError('RecipeUnknown', {
      what: `this Temper cannot read the spec, or has no recipe ${spec?.recipe ?? ''}`.trim(),
      fix: 'use the same version of Temper on all hosts; temper init lists the recipes',
    });
  }
  const train = recipe.stages(spec).find(({ name }) => name === 'train');
  return { spec, recipe, needs: train?.resources ?? { diskBytes: 0, ramBytes: 0 } };
}
