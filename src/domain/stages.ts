import type { PipelinePlan, StageName, StagePlan } from '../schemas/plan.js';

/** Stages that depend on any of `names`, directly or not, in plan order, `names` included. */
export function withDependents(plan: PipelinePlan, names: ReadonlySet<StageName>): StageName[] {
  const reached = new Set<StageName>();
  for (const stage of plan.stages) {
    if (names.has(stage.name) || stage.needs.some((need) => reached.has(need))) reached.add(stage.name);
  }
  return [...reached];
}

/** Stages whose own parameters differ between two plans, with everything that depends on them. */
export function changedStages(before: PipelinePlan, after: PipelinePlan): StageName[] {
  const old = new Map(before.stages.map((stage) => [stage.name, signature(stage)]));
  const changed = after.stages.filter((stage) => old.get(stage.name) !== signature(stage)).map((stage) => stage.name);
  return withDependents(after, new Set(changed));
}

function signature(stage: StagePlan): string {
  return `${stage.fingerprint} ${stage.needs.join(',')} ${stage.sources.map((source) => source.path).join('\n')}`;
}

/** Stages that a run has to go through: all, or those up to and including `until` with what they need. */
export function selectedStages(plan: PipelinePlan, until: StageName | null): StagePlan[] {
  if (until === null) return plan.stages;
  const wanted = new Set<StageName>([until]);
  for (const stage of [...plan.stages].reverse()) {
    if (wanted.has(stage.name)) for (const need of stage.needs) wanted.add(need);
  }
  return plan.stages.filter((stage) => wanted.has(stage.name));
}
