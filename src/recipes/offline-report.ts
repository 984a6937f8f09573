import { readStoredSpec } from '../domain/spec/read-spec.js';
import type { PlanReport } from '../schemas/host-call.js';
import type { PipelinePlan } from '../schemas/plan.js';
import { findRecipe } from './registry.js';
import { reportStages } from './report-stages.js';

/** A plan report without any host: what would run, with placeholders for everything that a host knows. */
export function offlineReport(plan: PipelinePlan, specText: string): PlanReport | null {
  const { spec } = readStoredSpec(specText);
  const recipe = findRecipe(plan.recipe.id);
  if (spec === null || recipe === null) return null;
  const place = recipe.environment.place?.(spec, '<scratch>');
  const tools = {
    python: spec.environment.python ?? place?.python ?? '<python>',
    node: '<node>',
    temper: '<temper>',
    programs: '<programs>',
    cpus: 0,
    ...(place === undefined ? {} : { environment: place.root }),
  };
  return {
    v: 1,
    run: plan.run,
    recipe: plan.recipe.id,
    workspace: plan.workspace,
    host: null,
    stages: reportStages(plan, recipe, { spec, tools, inputs: {}, keys: new Map(), reused: new Set() }),
    problems: [],
    warnings: plan.warnings,
    ...(plan.accepted === undefined ? {} : { accepted: plan.accepted }),
  };
}
