import { fingerprint } from './fingerprint.js';
import type { PipelinePlan, StageName, StagePlan } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { PipelineSpec } from '../schemas/spec.js';
import { durationMs } from '../schemas/units.js';

/** A stage as a recipe describes it; the planner turns `parameters` into the fingerprint. */
export interface StageDraft extends Omit<StagePlan, 'fingerprint'> {
  /** Everything of the spec that changes the stage's output, and nothing else (no scratch paths, no timing). */
  readonly parameters: unknown;
}

/** Makes the plan of a valid spec. Pure: it reads no file and asks no host. */
export function makePlan(
  spec: PipelineSpec,
  run: string,
  recipe: { readonly id: string; readonly version: number },
  drafts: readonly StageDraft[],
  warnings: readonly Problem[],
): PipelinePlan {
  const stages = drafts.map(({ parameters, ...draft }): StagePlan => ({
    ...draft,
    fingerprint: fingerprint({ recipe: recipe.id, version: recipe.version, stage: draft.name, parameters }),
  }));
  assertRunnable(stages);
  return {
    v: 1,
    run,
    recipe: { id: recipe.id, version: recipe.version },
    specDigest: fingerprint(spec),
    workspace: spec.workspace,
    fleet: {
      name: spec.fleet.name,
      hosts: spec.fleet.hosts,
      npusPerHost: spec.fleet.npusPerHost,
      spares: spec.fleet.spares,
    },
    recovery: {
      maxRestartsWithoutProgress: spec.recovery.maxRestartsWithoutProgress,
      spareWaitMs: durationMs(spec.recovery.spareWait),
      onUnknown: spec.recovery.onUnknown,
    },
    stages,
    warnings: [...warnings],
  };
}

/** A recipe that names a missing or later need is a programming error, found by its first plan. */
function assertRunnable(stages: readonly StagePlan[]): void {
  const seen = new Set<StageName>();
  for (const stage of stages) {
    const missing = stage.needs.filter((need) => !seen.has(need));
    if (missing.length > 0)
      throw new TypeError(`stage ${stage.name} needs ${missing.join(', ')}, which no earlier stage makes`);
    if (seen.has(stage.name)) throw new TypeError(`stage ${stage.name} stands twice in the plan`);
    seen.add(stage.name);
  }
}
