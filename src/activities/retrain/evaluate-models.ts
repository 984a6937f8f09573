import { TemperError } from '../../domain/errors.js';
import { findKeeper } from '../../host/keeper/client.js';
import { readCandidate } from '../../host/models/candidate.js';
import { noteRetrain } from '../../host/models/retrain-note.js';
import { versionModel } from '../../host/models/versions.js';
import { makeFolder } from '../../host/make-folder.js';
import { forgetMeasured, readMeasured } from '../../host/models/measured.js';
import { readPlan, readStageRecord, runDir } from '../../host/run/run-folder.js';
import { readReceipt } from '../../host/store/entry.js';
import type { Command, StageOutput } from '../../recipes/recipe.js';
import { StageNameSchema } from '../../schemas/plan.js';
import type { EvaluateAnswer, EvaluateCall, Metrics } from '../../schemas/retrain.js';
import type { StageCall } from '../../schemas/stage-calls.js';
import { keeperOf } from '../keeper-of.js';
import type { StageHost } from '../stage-host.js';
import { absolute, gatherBasics, stageOutput } from '../stage-inputs.js';
import { assertSucceeded, supervise } from '../training/supervise.js';

/**
 * Measures the model of a run and, on the same rows, the promoted one: a number from the rows of another day would
 * compare the rows. Commands run under keepers, so that a repeated call attaches to them.
 */
export async function evaluateModels(host: StageHost, call: EvaluateCall): Promise<EvaluateAnswer> {
  const { workspace, run, model, promoted } = call;
  const { export: exported } = await readCandidate(workspace, run);
  const stageCall = await asStageCall(call);
  const candidate = await measure(host, call, stageCall, 'candidate', absolute(workspace, exported.hf));
  const current =
    promoted === null
      ? null
      : await measure(host, call, stageCall, 'promoted', versionModel(workspace, model, promoted));
  const { fingerprint, startedFrom = null } = call;
  if (fingerprint !== undefined)
    await noteRetrain(workspace, run, { v: 1, export: exported.key, fingerprint, startedFrom, metrics: candidate });
  return { v: 1, host: host.name, candidate, promoted: current };
}

async function measure(
  host: StageHost,
  { workspace, run, evaluation }: EvaluateCall,
  call: StageCall,
  who: 'candidate' | 'promoted',
  model: string,
): Promise<Metrics> {
  const out = `${runDir(workspace, run)}/evaluation`;
  const output = `${out}/${who}.json`;
  await makeFolder(out);
  const { spec, recipe, tools } = await gatherBasics(host, call);
  const facts = { spec, tools, out, inputs: await outputsOf(workspace, run) };
  const command =
    evaluation.by === 'command'
      ? ownCommand(evaluation.argv, { model, output, heldOut: facts.inputs['data']?.outputs['heldOut'] ?? '', out })
      : recipe.evaluation?.measure(facts, model, output, evaluation.rows);
  if (command === null || command === undefined) {
    throw new TemperError('EvaluationFailed', {
      where: run,
      what: 'there are no rows to measure models on',
      why: 'no data set of the spec keeps rows aside, or its recipe cannot measure',
      fix: 'name rows or a command under evaluation in the schedule file, and apply it again',
    });
  }
  const step = `evaluate-${who}`;
  // Of an earlier retrain of the run: a command that ends well and writes nothing measured nothing. One that was begun
  // is attached to, and what it wrote is the answer.
  if (findKeeper(host.scratch, keeperOf(call, step, 1)) === null) await forgetMeasured(output);
  const progress = async (): Promise<object> => ({ phase: `measuring the ${who} model` });
  const result = await supervise({ host, call, command: { ...command, step }, number: 1, progress });
  await assertSucceeded(step, result);
  const isInFile = evaluation.by === 'recipe' || evaluation.argv.some((part) => part.includes('{{output}}'));
  return readMeasured(isInFile ? output : result.keeper.paths.stdout, isInFile);
}

function ownCommand(
  argv: readonly string[],
  { model, output, heldOut, out }: { model: string; output: string; heldOut: string; out: string },
): Command {
  const fill = (part: string): string =>
    part.replaceAll('{{model}}', model).replaceAll('{{output}}', output).replaceAll('{{heldOut}}', heldOut);
  return { step: 'measure', argv: argv.map(fill), cwd: out, env: {} };
}

/** What the stages of a run left, by the run's own records. */
async function outputsOf(workspace: string, run: string): Promise<Record<string, StageOutput>> {
  const outputs: Record<string, StageOutput> = {};
  for (const stage of StageNameSchema.options) {
    const record = await readStageRecord(workspace, run, stage);
    const receipt = record === null ? null : await readReceipt(workspace, stage, record.key);
    if (receipt !== null) outputs[stage] = stageOutput(workspace, receipt);
  }
  return outputs;
}

/** Keepers belong to a stage: measuring continues what verify began. */
async function asStageCall({ workspace, run, owner, timing }: EvaluateCall): Promise<StageCall> {
  const plan = await readPlan(workspace, run);
  const stage = plan?.stages.find(({ name }) => name === 'verify');
  if (plan === null || stage === undefined) throw new TypeError(`run ${run} has no stage verify`);
  const { specDigest } = plan;
  return { v: 1, run, owner, workspace, specDigest, stage, needs: [], tryNumber: 1, isFresh: false, timing };
}
