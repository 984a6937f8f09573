import { join } from 'node:path';
import { TemperError } from '../domain/errors.js';
import { diskShortage, ramShortage } from '../domain/text/shortage.js';
import { readStoredSpec } from '../domain/spec/read-spec.js';
import { readEnvironment } from '../host/environment-file.js';
import { nearestFolder } from '../host/nearest-folder.js';
import { availableRamBytes, freeDiskBytes } from '../host/resources.js';
import { runFolderProblem } from '../host/run/run-folder.js';
import { computeKey } from '../host/store/digests.js';
import { entryDir } from '../host/store/entry.js';
import { assertConfig } from '../host/safetensors/inspect.js';
import type { HostTools, Recipe, StageOutput } from '../recipes/recipe.js';
import { pathOf } from '../recipes/stage-drafts.js';
import { reportStages } from '../recipes/report-stages.js';
import type { PlanReport } from '../schemas/host-call.js';
import type { PipelinePlan, StageName, StagePlan } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { StageRef } from '../schemas/stage-calls.js';
import { sourceProblems } from './check-sources.js';
import { checkpointCosts } from './training/checkpoint-costs.js';
import { hostTools } from '../host/host-tools.js';
import type { StageHost } from './stage-host.js';
import { provenOutput, stageOutput } from './stage-inputs.js';

/** What a run of this plan would do, seen from this host: commands, what is there already, what is missing. */
export async function planReport(host: StageHost, specText: string, plan: PipelinePlan): Promise<PlanReport> {
  const { spec } = readStoredSpec(specText);
  const recipe = host.findRecipe(plan.recipe.id);
  if (spec === null || recipe === null)
    throw new TemperError('RecipeUnknown', {
      where: host.name,
      what: `this host's Temper cannot plan ${plan.recipe.id}`,
    });
  const tools = hostTools(host, recipe, spec);
  const found = await findOutputs(host, plan, tools);
  const free = await freeDiskBytes(await nearestFolder(plan.workspace));
  const ram = await availableRamBytes();
  const sources = await sourceProblems(host, plan.stages, spec);
  const todo = plan.stages.filter(({ name }) => found.refs.get(name) === undefined);
  const costs = await checkpointCosts(recipe, spec, {
    workspace: plan.workspace,
    run: plan.run,
    key: found.keys.get('train') ?? null,
    converted: found.outputs.convert?.outputs['dcp'] ?? null,
  });
  return {
    v: 1,
    run: plan.run,
    recipe: plan.recipe.id,
    workspace: plan.workspace,
    host: { name: host.name, diskFreeBytes: free, ramAvailableBytes: ram },
    stages: reportStages(plan, recipe, {
      spec,
      tools,
      inputs: found.outputs,
      keys: found.keys,
      reused: new Set(found.refs.keys()),
    }),
    problems: [
      ...[await runFolderProblem(plan.workspace, plan.run)].filter((one) => one !== null),
      ...found.problems,
      ...sources.filter(({ what }) => !found.problems.some((one) => one.what === what)),
      ...(await modelProblems(recipe, spec, found.outputs.weights)),
      ...shortages(todo, free, ram, plan.workspace),
    ],
    ...costs,
    warnings: [...plan.warnings, ...costs.warnings],
    ...(plan.accepted === undefined ? {} : { accepted: plan.accepted }),
  };
}

/** This host's tools for a plan of this spec. */
export function toolsFor(host: StageHost, plan: PipelinePlan, spec: PipelineSpec): HostTools {
  const recipe = host.findRecipe(plan.recipe.id);
  if (recipe === null)
    throw new TemperError('RecipeUnknown', {
      where: host.name,
      what: `this host's Temper has no recipe ${plan.recipe.id}`,
    });
  return hostTools(host, recipe, spec);
}

/** Walks the stages as far as outputs are as they were proven: behind the first missing one, keys cannot be known yet. */
export async function findOutputs(host: StageHost, plan: PipelinePlan, tools: HostTools) {
  const proven = await readEnvironment(host.scratch, plan.recipe.id, tools.python);
  const lock = proven?.digest ?? null;
  const refs = new Map<StageName, StageRef>();
  const keys = new Map<StageName, string>();
  const outputs: Partial<Record<StageName, StageOutput>> = {};
  const problems: Problem[] = [];
  for (const stage of plan.stages) {
    if (stage.name === 'environment') {
      if (lock !== null) refs.set(stage.name, { stage: stage.name, key: lock, digest: lock });
      continue;
    }
    const needs = stage.needs.map((need) => refs.get(need)).filter((ref) => ref !== undefined);
    if (needs.length < stage.needs.length) continue;
    try {
      const key = await computeKey(stage, needs, tools.programs);
      keys.set(stage.name, key);
      const receipt = await provenOutput(plan.workspace, stage.name, key);
      if (receipt === null) continue;
      refs.set(stage.name, { stage: stage.name, key, digest: receipt.digest });
      const dir = entryDir(plan.workspace, stage.name, key);
      outputs[stage.name] = { ...stageOutput(plan.workspace, receipt), dir };
    } catch (error) {
      if (!(error instanceof TemperError)) throw error;
      problems.push(error.problem);
    }
  }
  return { refs, keys, outputs, problems };
}

/** What is wrong with a model that is there already; one that is still to be fetched is judged before its weights are. */
async function modelProblems(recipe: Recipe, spec: PipelineSpec, fetched: StageOutput | undefined): Promise<Problem[]> {
  const { source, original } = spec.weights;
  const local = source.startsWith('dcp:') ? original : source.startsWith('path:') ? pathOf(source) : undefined;
  const dir = fetched?.outputs['hf'] ?? local;
  if (recipe.modelWish === undefined || dir === undefined) return [];
  try {
    await assertConfig(join(dir, 'config.json'), recipe.modelWish(spec));
    return [];
  } catch (error) {
    if (!(error instanceof TemperError)) throw error;
    // That it is not there is told with the sources.
    return error.problem.code === 'SpecInvalid' ? [error.problem] : [];
  }
}

function shortages(todo: readonly StagePlan[], diskFree: number, ramAvailable: number, workspace: string): Problem[] {
  const disk = todo.reduce((sum, { resources }) => sum + resources.diskBytes, 0);
  const ram = Math.max(0, ...todo.map(({ resources }) => resources.ramBytes));
  return [
    diskShortage(workspace, { freeBytes: diskFree, neededBytes: disk, purpose: 'by all stages' }),
    ramShortage({ freeBytes: ramAvailable, neededBytes: ram, purpose: 'by the largest stage' }),
  ].flatMap((one) => (one === null ? [] : [one.problem]));
}
