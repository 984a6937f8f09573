import { join } from 'node:path';
import { errorText } from '../../domain/text/error-text.js';
import { log } from '@temporalio/activity';
import { checkpointEconomy, economyWarnings, type EconomyFacts } from '../../domain/checkpoints/checkpoint-economy.js';
import { formatProblem, problem } from '../../domain/errors.js';
import { countParameters } from '../../host/checkpoint/parameters.js';
import { measureBandwidth, type MeasureLimits } from '../../host/measure-bandwidth.js';
import { nearestFolder } from '../../host/nearest-folder.js';
import { gangBandwidth } from '../../host/preflight/bandwidth-file.js';
import { attemptsOf } from '../../host/run/attempts.js';
import { medianIterationMs } from '../../host/run/metrics.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { CheckpointBudgets, CheckpointEconomy } from '../../schemas/checkpoint.js';
import type { Problem } from '../../schemas/problem.js';
import type { PipelineSpec } from '../../schemas/spec.js';

/** A planned training, as far as it is known before it runs. */
export interface PlannedTraining {
  readonly workspace: string;
  readonly run: string;
  /** Store key; null while it depends on outputs that do not exist. */
  readonly key: string | null;
  /** Folder with the converted weights; null while there are none. */
  readonly converted: string | null;
}

/** The costs and what is wrong with them; `checkpoint` is absent while they are not known. */
export interface CheckpointCosts {
  readonly checkpoint?: CheckpointEconomy;
  readonly warnings: readonly Problem[];
}

/**
 * What the checkpoints of a training cost in this workspace, measured now. While the converted weights do not exist, the
 * recipe may know the size, or nobody does. A workspace that cannot be measured is a warning: a plan has other answers too.
 */
export async function checkpointCosts(
  recipe: Recipe,
  spec: PipelineSpec,
  planned: PlannedTraining,
  limits: MeasureLimits = {},
): Promise<CheckpointCosts> {
  const { workspace, run, key, converted } = planned;
  const { every, keep, fidelity } = spec.train.checkpoint;
  const { iterations } = spec.train;
  try {
    const parameters = await parametersOf(recipe, spec, converted);
    if (parameters === null) return { warnings: [] };
    const checkpoint = checkpointEconomy({
      parameters,
      fidelity,
      every,
      keep,
      iterations,
      hosts: spec.fleet.hosts,
      // The gang's own measure, of all its hosts at once, where it was launched before.
      bandwidth:
        (await gangBandwidth(workspace, run)) ?? (await measureBandwidth(await nearestFolder(workspace), limits)),
      iterationMs: key === null ? null : await medianIterationMs(workspace, await attemptsOf(workspace, run, key)),
    });
    const told = converted === null ? { ...checkpoint, isSizePlanned: true as const } : checkpoint;
    return {
      checkpoint: told,
      warnings: economyWarnings(checkpoint, { every, fidelity, iterations, accept: spec.accept }),
    };
  } catch (error) {
    const why = errorText(error);
    return {
      warnings: [
        problem('WorkspaceUnusable', { where: workspace, what: 'what checkpoints cost could not be measured', why }),
      ],
    };
  }
}

async function parametersOf(
  { training, checkpoint: { layout, converted: names } }: Recipe,
  spec: PipelineSpec,
  converted: string | null,
): Promise<EconomyFacts['parameters'] | null> {
  const { resume } = training;
  if (resume === undefined) return null;
  if (converted === null) return training.plannedParameters?.(spec) ?? null;
  return countParameters(join(converted, names.folder), layout, (fqn) => resume.isTrained(fqn, spec));
}

/** A launch must not wait long for the measure: one of its blocks is enough to tell minutes from hours. */
const QUICK: MeasureLimits = { maxBytes: 64 * 1024 * 1024, writeMs: 400, readMs: 200 };

/** What a save and a load of a training may take before they hang; null where it is not known. */
export async function checkpointBudgets(
  recipe: Recipe,
  spec: PipelineSpec,
  planned: PlannedTraining,
): Promise<CheckpointBudgets | null> {
  const { checkpoint, warnings } = await checkpointCosts(recipe, spec, planned, QUICK);
  for (const warning of warnings) if (warning.code === 'WorkspaceUnusable') log.warn(formatProblem(warning));
  if (checkpoint === undefined) return null;
  const { saveBudgetMs, loadBudgetMs, saveMs } = checkpoint;
  return { saveMs: saveBudgetMs, loadMs: loadBudgetMs, expectedSaveMs: saveMs };
}
