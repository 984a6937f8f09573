import { isAbsolute, join } from 'node:path';
import { TemperError } from '../domain/errors.js';
import { readRunSpec } from '../host/run/run-folder.js';
import { computeKey } from '../host/store/digests.js';
import { readReceipt } from '../host/store/entry.js';
import { findChange } from '../host/store/manifest.js';
import type { HostTools, Recipe, StageFacts, StageOutput } from '../recipes/recipe.js';
import type { StageName } from '../schemas/plan.js';
import type { Receipt } from '../schemas/receipt.js';
import type { StageCall, StageDone, StageRef } from '../schemas/stage-calls.js';
import { hostTools } from '../host/host-tools.js';
import type { StageHost } from './stage-host.js';

/** All that the work of a stage depends on, and the key that follows from it. */
export interface StageInputs {
  readonly recipe: Recipe;
  readonly tools: HostTools;
  readonly facts: Omit<StageFacts, 'out'>;
  /** Store key of the stage's output. */
  readonly key: string;
}

/** Gathers what a stage works from: the run's spec, its recipe, this host's tools and the outputs that it needs. */
export async function gatherInputs(host: StageHost, call: StageCall): Promise<StageInputs> {
  const { recipe, tools, spec } = await gatherBasics(host, call);
  const inputs: Record<string, StageOutput> = {};
  for (const need of call.needs) {
    // The environment is a fact of each host, not a folder of the store.
    if (need.stage !== 'environment') inputs[need.stage] = await outputOf(call.workspace, need);
  }
  const key = await computeKey(call.stage, call.needs, tools.programs);
  return { recipe, tools, key, facts: { spec, tools, inputs } };
}

/** The run's spec, its recipe and this host's tools. */
export async function gatherBasics(host: StageHost, call: StageCall) {
  const spec = await readRunSpec(call.workspace, call.run, call.specDigest);
  const recipe = host.findRecipe(spec.recipe);
  if (recipe === null)
    throw new TemperError('RecipeUnknown', {
      what: `this host's Temper has no recipe ${spec.recipe}`,
      where: host.name,
    });
  return { spec, recipe, tools: hostTools(host, recipe, spec) };
}

/** The proven output of a stage by its key, if there is one and it is still as it was proven. */
export async function provenOutput(workspace: string, stage: StageName, key: string): Promise<Receipt | null> {
  const receipt = await readReceipt(workspace, stage, key);
  if (receipt === null) return null;
  return (await findChange(absolute(workspace, receipt.dir), receipt.manifest)) === null ? receipt : null;
}

/** Outcome of a stage from its receipt. */
export function doneFrom(receipt: Receipt, reused: boolean, durationMs: number): StageDone {
  const { stage, key, digest, facts, madeBy } = receipt;
  return { v: 1, ref: { stage, key, digest }, reused, host: madeBy.host, durationMs, facts };
}

/** A path of a receipt: relative to the workspace, or absolute when it was adopted from elsewhere. */
export function absolute(workspace: string, path: string): string {
  return isAbsolute(path) ? path : join(workspace, path);
}

async function outputOf(workspace: string, { stage, key }: StageRef): Promise<StageOutput> {
  const receipt = await readReceipt(workspace, stage, key);
  if (receipt === null) {
    throw new TemperError('WorkspaceUnusable', {
      where: `store/${stage}/${key}`,
      what: `the receipt of stage ${stage} is gone`,
      why: 'this host sees another workspace, or the store was cleaned while the run was under way',
      fix: `check that the workspace is really shared, then temper resume RUN --from ${stage}`,
    });
  }
  return stageOutput(workspace, receipt);
}

/** What a proven stage left, with absolute paths. */
export function stageOutput(workspace: string, { dir, outputs, facts }: Receipt): StageOutput {
  const paths = Object.entries(outputs).map(([name, path]) => [name, absolute(workspace, path)] as const);
  return { dir: absolute(workspace, dir), outputs: Object.fromEntries(paths), facts };
}
