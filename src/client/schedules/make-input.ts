import { dirname } from 'node:path';
import { parseDocument } from 'yaml';
import { TemperError, problem } from '../../domain/errors.js';
import { checkTemplates, fillDates } from '../../domain/retrain/dates.js';
import { hubFields } from '../../domain/retrain/hub-inputs.js';
import { placeFiles } from '../../domain/retrain/inputs.js';
import { retrainRun } from '../../domain/retrain/run-name.js';
import type { ReadRetrain } from '../../domain/retrain/read-retrain.js';
import { absoluteSpecText } from '../../domain/spec/edit-spec.js';
import { readStoredSpec } from '../../domain/spec/read-spec.js';
import { planFromText } from '../../recipes/plan-from-text.js';
import { findRecipe } from '../../recipes/registry.js';
import type { Problem } from '../../schemas/problem.js';
import type { Evaluation, RetrainInput } from '../../schemas/retrain.js';
import type { RetrainFile } from '../../schemas/retrain-file.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Timing } from '../../schemas/timing.js';
import { durationMs } from '../../schemas/units.js';

/** Names in commands of a spec that each run fills with paths of its own. */
const FILLED_BY_RUNS = ['model', 'python'];

/** A schedule to be applied. */
export interface ScheduleRequest {
  /** A schedule file that was read without problems. */
  readonly file: Extract<ReadRetrain, { retrain: RetrainFile }>;
  readonly specText: string;
  /** Absolute path of the spec: relative paths in it are taken from its folder. */
  readonly specFile: string;
}

/** The frozen input of a schedule's runs; all problems at once as one error. `now` only fills dates for a trial plan. */
export function makeRetrainInput(request: ScheduleRequest, timing: Timing, now: string): RetrainInput {
  const { file, specFile } = request;
  const { retrain, approvalMs } = file;
  const { schedule } = retrain;
  const specText = absoluteSpecText(request.specText, dirname(specFile));
  const run = retrainRun(retrain.name, now);
  const wrong = checkTemplates(specText, FILLED_BY_RUNS);
  const dated = fillDates(specText, now, schedule.timezone);
  const planned = planFromText(dated, run, []);
  const { spec } = readStoredSpec(dated, { file: specFile });
  const problems = [
    ...(wrong === null ? [] : [problem('SpecInvalid', { where: specFile, what: wrong })]),
    ...(planned.plan === null ? planned.problems : []),
    ...(spec === null ? [] : fitProblems(retrain, spec, { specText, dated }, specFile)),
  ];
  const [first] = problems;
  if (planned.plan === null || spec === null || first !== undefined) {
    throw new TemperError('SpecInvalid', {
      where: specFile,
      what: first?.what ?? 'the spec is not valid',
      ...(first?.fix === undefined ? {} : { fix: first.fix }),
      evidence: problems.map(({ where, what }) => `${where ?? specFile}: ${what}`),
    });
  }
  return {
    v: 1,
    schedule: retrain.name,
    model: retrain.model ?? retrain.name,
    fleet: spec.fleet.name,
    hosts: spec.fleet.hosts,
    workspace: spec.workspace,
    specText,
    when: {
      cron: schedule.cron ?? null,
      everyMs: schedule.every === undefined ? null : durationMs(schedule.every),
      timezone: schedule.timezone,
      jitterMs: schedule.jitter === undefined ? 0 : durationMs(schedule.jitter),
      catchupMs: durationMs(schedule.catchup),
      overlap: schedule.overlap,
      pauseOnFailure: schedule.pauseOnFailure,
    },
    inputs: retrain.inputs,
    startFrom: retrain.startFrom,
    evaluation: evaluationOf(retrain),
    leaseWaitMs: durationMs(retrain.waitForHosts),
    evaluationMs: durationMs(retrain.evaluationTimeout),
    gate: retrain.gate,
    approvalMs,
    keep: retrain.keep,
    timing,
  };
}

function evaluationOf({ evaluation }: RetrainFile): Evaluation {
  if (evaluation === 'heldOut') return { by: 'recipe', rows: null };
  return 'command' in evaluation
    ? { by: 'command', argv: evaluation.command }
    : { by: 'recipe', rows: evaluation.heldOut };
}

/** What a spec may be and a retrain of it may not. */
function fitProblems(
  retrain: RetrainFile,
  spec: PipelineSpec,
  { specText, dated }: { readonly specText: string; readonly dated: string },
  where: string,
): Problem[] {
  const problems: Problem[] = [];
  const add = (what: string, why: string, fix: string): void => {
    problems.push(problem('SpecInvalid', { where, what, why, fix }));
  };
  const trial = spec.data.find((set) => 'maxSamples' in set && set.maxSamples !== undefined);
  if (trial !== undefined)
    add(`data set ${trial.name} has maxSamples`, 'such runs are trials and never promoted', 'take maxSamples out');
  // As it is written: in the spec of a day its date is filled.
  if (String(parseDocument(specText).get('workspace')).includes('{{'))
    add('the workspace holds a date', 'models are promoted in one place', 'name one folder');
  for (const input of retrain.inputs) {
    if ('hub' in input) {
      const fields = hubFields(spec, input.hub);
      if (typeof fields === 'string')
        add(fields, 'a hub input resolves its revision to the commit of the day', 'take the hub input out');
      continue;
    }
    if (!input.glob.startsWith('/'))
      add(`the pattern ${input.glob} is not absolute`, 'it is read on the hosts', 'begin it with /');
    const placed = placeFiles(dated, input.data, ['/file']);
    if ('why' in placed)
      add(placed.why, 'the files of the day have no place', 'name a data set of the spec that reads a file');
  }
  const keepsRows = spec.data.some((set) => set.format === 'synthetic' && set.heldOutRows > 0);
  const canMeasure = findRecipe(spec.recipe)?.evaluation !== undefined;
  const isByRecipe = retrain.evaluation === 'heldOut' || 'heldOut' in retrain.evaluation;
  if (isByRecipe && !canMeasure)
    add(
      `recipe ${spec.recipe} measures no held-out loss`,
      'no model could be judged',
      'evaluation: { command: [...] }',
    );
  else if (retrain.evaluation === 'heldOut' && !keepsRows)
    add(
      'no data set keeps rows aside',
      'no model could be judged',
      'evaluation: { heldOut: /path/rows.json }, or { command: [...] }',
    );
  return problems;
}
