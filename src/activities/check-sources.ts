import { TemperError } from '../domain/errors.js';
import { readStoredSpec } from '../domain/spec/read-spec.js';
import { writeRun } from '../host/run/run-folder.js';
import { findMissing } from '../host/store/digests.js';
import type { StagePlan } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { OpenRunCall } from '../schemas/stage-calls.js';
import { inTime } from './in-time.js';
import { startCheckpoint } from './training/start-checkpoint.js';
import type { StageHost } from './stage-host.js';

/**
 * How long this look at a checkpoint may take: its many files may lie on a slow share, and a run is not to fail because
 * of what its training proves again.
 */
const PROOF_LIMIT_MS = 10_000;

/** Writes the folder of a run, and finds at once what its stages could not read hours later. */
export async function openRun(
  host: Pick<StageHost, 'findRecipe'>,
  { plan, specText, request, stages = [] }: OpenRunCall,
): Promise<void> {
  await writeRun(plan, specText, request);
  const { spec } = readStoredSpec(specText);
  const toRun = plan.stages.filter(({ name }) => stages.includes(name));
  const problems = await sourceProblems(host, toRun, spec);
  const [first] = problems;
  if (first === undefined) return;
  const code = problems.some((one) => one.code === 'SourceMissing') ? 'SourceMissing' : 'ProofFailed';
  if (problems.length === 1) {
    const { where = plan.workspace, what, why = '', fix } = first;
    throw new TemperError(code, { where, what, ...(why === '' ? {} : { why }), fix });
  }
  throw new TemperError(code, {
    what: `${problems.length} things that the run needs cannot be used: ${problems.map(({ where, what }) => `${where ?? ''}: ${what}`).join('; ')}`,
    fix: 'correct all of them: temper resume RUN --set FIELD=VALUE --set FIELD=VALUE',
    evidence: problems.map(({ where, what, fix }) => `${where ?? ''}: ${what}; fix: ${fix}`),
  });
}

/** What this host cannot use of the files that stages read, each told once. */
export async function sourceProblems(
  host: Pick<StageHost, 'findRecipe'>,
  stages: readonly StagePlan[],
  spec: PipelineSpec | null,
): Promise<Problem[]> {
  const found = new Map<string, Problem>();
  const note = (one: Problem): void => void found.set(one.what, one);
  const missing: string[] = [];
  // Folders first: of one that is missing, nothing in it is told as well.
  const sources = stages.flatMap((stage) => stage.sources).sort((a, b) => a.path.length - b.path.length);
  for (const source of sources) {
    if (missing.some((folder) => source.path.startsWith(`${folder}/`))) continue;
    const error = await findMissing(source);
    if (error === null) continue;
    missing.push(source.path);
    note(error.problem);
  }
  const path = spec?.train.fromCheckpoint;
  const recipe = spec === null ? null : host.findRecipe(spec.recipe);
  if (spec !== null && recipe !== null && path !== undefined && !missing.includes(path) && stages.some(isTraining)) {
    const proof = startCheckpoint(path, recipe, spec.train).catch((error: unknown) => {
      if (!(error instanceof TemperError)) throw error;
      note(error.problem);
    });
    await inTime(PROOF_LIMIT_MS, proof);
  }
  return [...found.values()];
}

function isTraining({ name }: StagePlan): boolean {
  return name === 'train';
}
