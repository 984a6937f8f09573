import { TemperError } from '../domain/errors.js';
import { interfaceOf } from '../host/network-interface.js';
import { allAttempts, checkpointFolder } from '../host/run/attempts.js';
import { slowestPreparation } from '../host/run/preparation.js';
import { needPlan, readRunSpec, readRunSpecText } from '../host/run/run-folder.js';
import type { RenderAnswer } from '../schemas/render.js';
import { hostTools } from '../host/host-tools.js';
import { findOutputs } from './plan-report.js';
import type { StageHost } from './stage-host.js';

/** What the scripts of a run are made from, as this host knows it. Reads only. */
export async function renderFacts(host: StageHost, workspace: string, run: string): Promise<RenderAnswer> {
  const plan = await needPlan(workspace, run);
  const recipe = host.findRecipe(plan.recipe.id);
  if (recipe === null)
    throw new TemperError('RecipeUnknown', {
      where: host.name,
      what: `this host's Temper has no recipe ${plan.recipe.id}`,
    });
  const spec = await readRunSpec(workspace, run, plan.specDigest);
  const tools = hostTools(host, recipe, spec);
  const { outputs } = await findOutputs(host, plan, tools);
  const { fromCheckpoint } = spec.train;
  const checkpoint = fromCheckpoint === undefined ? null : await checkpointFolder(fromCheckpoint, recipe.checkpoint);
  const attempts = await allAttempts(workspace, run);
  const ofNewest = attempts.filter(({ key }) => key === attempts.at(-1)?.key);
  return {
    v: 1,
    host: host.name,
    specText: await readRunSpecText(workspace, run, plan.specDigest),
    scratch: host.scratch,
    networkInterface: interfaceOf(host.address),
    tools,
    measured: {
      saveMs: attempts.at(-1)?.budgets?.expectedSaveMs ?? null,
      preprocessRowsPerSecond: await slowestPreparation(workspace, run, ofNewest),
    },
    ...(checkpoint === null ? {} : { checkpoint }),
    gang: attempts.at(-1)?.hosts ?? [],
    known: Object.fromEntries(
      Object.entries(outputs).map(([stage, output]) => [
        stage,
        { ...output, outputs: { ...output.outputs }, facts: { ...output.facts } },
      ]),
    ),
  };
}
