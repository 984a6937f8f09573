import type { PipelineSpec } from '../../schemas/spec.js';
import { MEASURED_LINTS } from '../measured-lints.js';
import type { FieldPath, Finding } from './finding.js';
import { showValue } from './finding.js';
import { suggest } from './suggest.js';

/** The part of a recipe that reading a spec needs. */
export interface LintingRecipe {
  readonly id: string;
  lint(spec: PipelineSpec): readonly {
    readonly id: string;
    readonly severity: 'error' | 'warning';
    readonly acceptable: boolean;
    readonly path: FieldPath;
    readonly what: string;
    readonly why: string;
    readonly fix: string;
  }[];
}

/**
 * What the recipe says about a spec, after `accept`: an accepted error is told as a warning, an accepted warning
 * is not told. A spec that does not fit the schema is only asked for its recipe's id.
 */
export function recipeFindings(spec: PipelineSpec | null, id: unknown, recipes: readonly LintingRecipe[]): Finding[] {
  const recipe = recipes.find((candidate) => candidate.id === id);
  if (recipe === undefined) return typeof id === 'string' ? [unknownRecipe(id, recipes)] : [];
  return spec === null ? [] : lintFindings(spec, recipe);
}

function lintFindings(spec: PipelineSpec, recipe: LintingRecipe): Finding[] {
  const lints = recipe.lint(spec);
  const findings = lints.flatMap(({ id, severity, acceptable, path, what, why, fix }): Finding[] => {
    const finding = { id, severity, place: { path }, what, why, fix };
    if (!acceptable) return [{ ...finding, severity }];
    if (!spec.accept.includes(id)) return [{ ...finding, fix: `${fix}, or add ${id} to accept` }];
    return severity === 'warning'
      ? []
      : [{ ...finding, severity: 'warning', isAccepted: true, what: `${what} (accepted)` }];
  });
  return [...findings, ...unusedAccepts(spec, lints)];
}

function unknownRecipe(id: string, recipes: readonly LintingRecipe[]): Finding {
  const known = recipes.map((recipe) => recipe.id);
  const near = suggest(id, known);
  return {
    id: 'recipe/unknown',
    place: { path: ['recipe'] },
    what: `there is no recipe ${showValue(id)}`,
    why: 'a recipe decides what is trained with what',
    fix: near === null ? `choose one of ${known.join(', ')}` : `did you mean ${near}?`,
  };
}

function unusedAccepts(
  spec: PipelineSpec,
  lints: readonly { readonly id: string; readonly acceptable: boolean }[],
): Finding[] {
  return spec.accept.flatMap((id, index): Finding[] => {
    const lint = lints.find((candidate) => candidate.id === id);
    if (lint?.acceptable === true || MEASURED_LINTS.includes(id)) return [];
    const near = suggest(id, [
      ...lints.filter(({ acceptable }) => acceptable).map((candidate) => candidate.id),
      ...MEASURED_LINTS,
    ]);
    return [
      {
        id: 'accept/unused',
        severity: 'warning',
        place: { path: ['accept', index] },
        what: lint === undefined ? `nothing in this spec raises ${id}` : `${id} cannot be accepted`,
        why: 'an acceptance without a reason hides a later problem',
        fix: near === null ? 'remove it' : `did you mean ${near}?`,
      },
    ];
  });
}
