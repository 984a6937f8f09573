import { access, constants, lstat, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { errorText } from '../../domain/text/error-text.js';
import writeFileAtomic from 'write-file-atomic';
import { TemperError } from '../../domain/errors.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { changedStages, withDependents } from '../../domain/stages.js';
import { readSpec } from '../../domain/spec/read-spec.js';
import { PipelinePlanSchema, type PipelinePlan, type StageName } from '../../schemas/plan.js';
import { StageRecordSchema, type StageRecord } from '../../schemas/receipt.js';
import { RunRequestSchema, type RunRequest } from '../../schemas/recovery.js';
import type { Problem } from '../../schemas/problem.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { makeFolder } from '../make-folder.js';
import { nearestFolder } from '../nearest-folder.js';
import { nullIfMissing } from '../system-error.js';

const REQUEST = 'request.json';

/** Folder of a run in the workspace. */
export function runDir(workspace: string, run: string): string {
  return join(workspace, 'runs', run);
}

/** Writes spec and plan of a run; what they were before a correction stays beside them under its digest. */
export async function writeRun(plan: PipelinePlan, specText: string, request?: RunRequest): Promise<void> {
  const dir = runDir(plan.workspace, plan.run);
  await usable(plan.workspace, () => makeFolder(dir));
  await writeFileAtomic(join(dir, `spec-${plan.specDigest}.yaml`), specText);
  await writeFileAtomic(join(dir, 'spec.yaml'), specText);
  if (request !== undefined) await writeJsonFile(join(dir, REQUEST), request);
  const before = await readPlan(plan.workspace, plan.run);
  if (before !== null) await forgetStages(plan.workspace, plan.run, changedStages(before, plan));
  await writeJsonFile(join(dir, 'plan.json'), plan);
}

/** Why the folder of a run cannot be written here, found without writing; null: nothing is known that forbids it. */
export async function runFolderProblem(workspace: string, run: string): Promise<Problem | null> {
  const dir = runDir(workspace, run);
  const nearest = await nearestFolder(dir);
  const [next = ''] = relative(nearest, dir).split(sep);
  try {
    if (next !== '' && (await isThere(join(nearest, next)))) throw new Error(`${join(nearest, next)} is no folder`);
    await access(nearest, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return unusable(workspace, error).problem;
  }
}

/** Whether something has this name, a link to nothing too. */
async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(nullIfMissing)) !== null;
}

/** Text of a run's spec, with its corrections, in the version that a plan was made from. */
export async function readRunSpecText(workspace: string, run: string, specDigest: string): Promise<string> {
  return usable(workspace, () => readFile(join(runDir(workspace, run), `spec-${specDigest}.yaml`), 'utf8'));
}

/** What the run was asked for beside its spec; null in folders of before it was kept. */
export function readRequest(workspace: string, run: string): Promise<RunRequest | null> {
  return readJsonFile(join(runDir(workspace, run), REQUEST), RunRequestSchema);
}

/** The newest plan of a run; null when the workspace has no such run. */
export function readPlan(workspace: string, run: string): Promise<PipelinePlan | null> {
  return readJsonFile(join(runDir(workspace, run), 'plan.json'), PipelinePlanSchema);
}

/** The plan of a run; throws when the workspace, as this host sees it, has no such run. */
export async function needPlan(workspace: string, run: string): Promise<PipelinePlan> {
  const plan = await readPlan(workspace, run);
  if (plan !== null) return plan;
  throw new TemperError('RunNotFound', {
    where: runDir(workspace, run),
    what: `the workspace has no run ${run}`,
    fix: 'check that the host sees the same workspace',
  });
}

/** What a run remembers of a finished stage; null while it has not finished it. */
export function readStageRecord(workspace: string, run: string, stage: StageName): Promise<StageRecord | null> {
  return readJsonFile(join(stageFolder(workspace, run, stage), 'receipt.json'), StageRecordSchema);
}

/** The spec of a run in the version that the caller's plan was made from. */
export async function readRunSpec(workspace: string, run: string, specDigest: string): Promise<PipelineSpec> {
  return (await readSpecOf(workspace, run, specDigest)).spec;
}

/** The same with its text. */
export async function readSpecOf(
  workspace: string,
  run: string,
  specDigest: string,
): Promise<{ readonly spec: PipelineSpec; readonly text: string }> {
  const file = join(runDir(workspace, run), `spec-${specDigest}.yaml`);
  const text = await usable(workspace, () => readFile(file, 'utf8'));
  const { spec } = readSpec(text, { file, baseDir: dirname(file) });
  if (spec !== null && fingerprint(spec) === specDigest) return { spec, text };
  throw new TemperError('SpecChanged', { where: file, what: 'the spec of the run was changed outside of Temper' });
}

/** Remembers in the run's folder how a stage was done, and links what people look for. */
export async function recordStage(workspace: string, run: string, record: StageRecord, dir: string): Promise<void> {
  const stageDir = stageFolder(workspace, run, record.stage);
  const [before, plan] = [await readStageRecord(workspace, run, record.stage), await readPlan(workspace, run)];
  if (before !== null && plan !== null && (before.key !== record.key || before.digest !== record.digest)) {
    const others = withDependents(plan, new Set([record.stage])).filter((stage) => stage !== record.stage);
    await forgetStages(workspace, run, others);
  }
  await writeJsonFile(join(stageDir, 'receipt.json'), record);
  await linkTo(join(stageDir, 'out'), dir);
}

/** What was done before something that it needs changed: a trial's export is not that of the run without its limit. */
async function forgetStages(workspace: string, run: string, stages: readonly StageName[]): Promise<void> {
  for (const stage of stages) await rm(join(stageFolder(workspace, run, stage), 'receipt.json'), { force: true });
}

/** Points `runs/<run>/export/hf` at the exported model. */
export async function linkExport(workspace: string, run: string, modelDir: string): Promise<void> {
  await linkTo(join(runDir(workspace, run), 'export', 'hf'), modelDir);
}

/** Folder of a stage in its run's. */
export function stageFolder(workspace: string, run: string, stage: StageName): string {
  return join(runDir(workspace, run), 'stages', stage);
}

/** Replaces a link by one rename: readers see the old target or the new one. */
async function linkTo(link: string, target: string): Promise<void> {
  await makeFolder(dirname(link));
  const fresh = `${link}.${process.pid}.new`;
  await rm(fresh, { force: true });
  await symlink(relative(dirname(link), target), fresh);
  await rename(fresh, link);
}

/** Turns failures of the file system into the error that names the workspace. */
async function usable<T>(workspace: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unusable(workspace, error);
  }
}

function unusable(workspace: string, error: unknown): TemperError {
  return new TemperError(
    'WorkspaceUnusable',
    { where: workspace, what: 'the workspace cannot be used', why: errorText(error) },
    { cause: error },
  );
}
