import { makePlan } from '../domain/plan.js';
import { applySets } from '../domain/spec/edit-spec.js';
import { acceptedIds } from '../domain/spec/finding.js';
import { readStoredSpec, toProblem } from '../domain/spec/read-spec.js';
import type { PipelinePlan } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { SpecSet } from '../schemas/run.js';
import { RECIPES, findRecipe } from './registry.js';

/** The plan of a spec, or why there is none. */
export type PlannedText =
  | { readonly plan: PipelinePlan; readonly specText: string; readonly problems: readonly [] }
  | { readonly plan: null; readonly problems: Problem[] };

/**
 * Reads a spec with its corrections and plans it for a run, named as the spec is when `run` is null. The text holds absolute paths: whoever takes it from a file
 * makes them absolute, because other machines do not have that file.
 */
export function planFromText(text: string, run: string | null, sets: readonly SpecSet[]): PlannedText {
  const edited = applySets(text, sets);
  if (edited.problems.length > 0) return { plan: null, problems: edited.problems.map(toProblem) };
  const { spec, problems } = readStoredSpec(edited.text, {
    file: run === null ? 'spec.yaml' : `${run}/spec.yaml`,
    recipes: RECIPES,
  });
  const errors = problems.filter(({ severity }) => severity === 'error').map(toProblem);
  const recipe = spec === null ? null : findRecipe(spec.recipe);
  if (spec === null || recipe === null) return { plan: null, problems: errors };
  const warnings = problems.filter(({ severity, isAccepted }) => severity === 'warning' && isAccepted !== true);
  const accepted = acceptedIds(problems);
  return {
    plan: {
      ...makePlan(spec, run ?? spec.name, recipe, recipe.stages(spec), warnings.map(toProblem)),
      ...(accepted.length === 0 ? {} : { accepted }),
    },
    specText: edited.text,
    problems: [],
  };
}
