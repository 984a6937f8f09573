import type { z } from 'zod';
import type { Problem } from '../../schemas/problem.js';
import { RetrainFileSchema, type RetrainFile } from '../../schemas/retrain-file.js';
import { durationMs } from '../../schemas/units.js';
import { problem } from '../errors.js';
import { explainIssues } from '../spec/explain-issue.js';
import { valueAt } from '../spec/field.js';
import { showPath, type FieldPath, type Finding } from '../spec/finding.js';
import { inputSchema } from '../spec/json-schema.js';
import { checkText } from '../spec/text-checks.js';
import { parseYaml, type YamlSource } from '../spec/yaml-source.js';
import { readCron } from './cron.js';
import { checkTemplates, otherTemplate } from './dates.js';
import { checkRule, namesOf } from './gate.js';
import { shortestDistanceMs } from './shortest-distance.js';
import { isTimezone, nearTimezone } from './zones.js';

/** A schedule file, or all that is wrong with it. */
export type ReadRetrain =
  | { readonly retrain: RetrainFile; readonly approvalMs: number | null; readonly problems: readonly [] }
  | { readonly retrain: null; readonly problems: readonly Problem[] };

/** Policies that Temporal has and a training cannot bear, with what they would do. */
const REFUSED_POLICIES: Readonly<Record<string, string>> = {
  TERMINATE_OTHER: 'it ends the running workflow without a word, and leaves its training on the hosts as an orphan',
  ALLOW_ALL: 'it trains twice at once, and two trainings promote over each other',
  CANCEL_OTHER: 'it gives up hours of training each time that one takes longer than the period',
  BUFFER_ALL: 'runs that take longer than the period pile up without end; temper schedule backfill uses it by itself',
};
const FILLED_BY_EVALUATION = ['{{model}}', '{{output}}', '{{heldOut}}'];
const DAY_MS = 86_400_000;
const LEAST_CATCHUP_MS = 10_000;

/** Reads a schedule file: all problems at once, with their places. */
export function readRetrain(text: string, file: string): ReadRetrain {
  const broken = checkText(text);
  if (broken !== null) return { retrain: null, problems: [invalid(file, broken.what, broken.why, broken.fix)] };
  const source = parseYaml(text);
  const tell = ({ place, what, why, fix }: Finding): Problem => {
    const path = place.path === undefined ? '' : ` ${showPath(place.path)}`;
    return invalid(`${placeOf(file, source, place)}${path}`, what, why, fix);
  };
  const yaml = source.findings.map(tell);
  if (source.value === undefined) return { retrain: null, problems: yaml };
  const parsed = RetrainFileSchema.safeParse(source.value);
  const at = (path: FieldPath): string => `${placeOf(file, source, { path })} ${showPath(path)}`;
  const problems = [
    ...yaml,
    ...(parsed.success
      ? crossField(parsed.data, at)
      : [
          ...explain(parsed.error.issues, source).map(tell),
          ...partlyCrossField(parsed.error.issues, source.value, at),
        ]),
  ];
  if (!parsed.success || problems.length > 0) return { retrain: null, problems };
  return { retrain: parsed.data, approvalMs: approvalMs(parsed.data), problems: [] };
}

function approvalMs(retrain: RetrainFile): number | null {
  const { approval } = retrain;
  if (approval === 'none' || (typeof approval === 'object' && !approval.required)) return null;
  if (typeof approval === 'object') return durationMs(approval.within);
  return Math.min(DAY_MS, (shortestDistanceMs(retrain) ?? 2 * DAY_MS) / 2);
}

type At = (path: FieldPath) => string;

function crossField(retrain: RetrainFile, at: At): Problem[] {
  return [
    ...scheduleProblems(retrain, at),
    ...approvalProblems(retrain, at),
    ...evaluationProblems(retrain, at),
    ...textProblems(retrain, at),
  ];
}

/** Sections that stand in for broken ones that a file must have. */
const STAND_INS = {
  ...{ apiVersion: 'temper/v1', kind: 'Retrain', name: 'x', spec: 'x' },
  schedule: { every: '1h' },
};
/** Sections that a problem of one is found in, beside that one. */
const COMPARED: Readonly<Record<string, readonly string[]>> = {
  approval: ['schedule'],
  gate: ['evaluation'],
  inputs: ['startFrom'],
};

/** What the rules find in sections that fit the schema, so that it is told together with what does not. */
function partlyCrossField(issues: readonly z.core.$ZodIssue[], value: unknown, at: At): Problem[] {
  const broken = new Set(issues.flatMap(({ code, path }) => (code === 'unrecognized_keys' ? [] : [String(path[0])])));
  const sound = {
    ...STAND_INS,
    ...Object.fromEntries(Object.entries(Object(value)).filter(([key]) => !broken.has(key))),
  };
  const parsed = RetrainFileSchema.safeParse(withoutKeys(sound, issues));
  if (!parsed.success) return [];
  const isLeftOut = ([section]: FieldPath): boolean =>
    [String(section), ...(COMPARED[String(section)] ?? [])].some((name) => broken.has(name));
  const found = crossField(parsed.data, (path) => (isLeftOut(path) ? LEFT_OUT : at(path)));
  return found.filter(({ where }) => where !== LEFT_OUT);
}

const LEFT_OUT = '';

/** A copy without the keys that nobody knows. */
function withoutKeys(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const section = valueAt(copy, issue.path.map(String));
    if (typeof section === 'object' && section !== null)
      for (const key of issue.keys) Reflect.deleteProperty(section, key);
  }
  return copy;
}

function scheduleProblems({ schedule }: RetrainFile, at: At): Problem[] {
  const problems: Problem[] = [];
  const add = (field: string, what: string, why: string, fix: string): void => {
    problems.push(invalid(at(['schedule', field]), what, why, fix));
  };
  if ((schedule.cron === undefined) === (schedule.every === undefined))
    add('cron', 'give one of cron and every', 'one of them says when to train', "cron: '0 2 * * *' or every: 6h");
  if (schedule.cron !== undefined) {
    const cron = readCron(schedule.cron);
    if (cron.problem !== null)
      add('cron', cron.problem, 'the schedule would never run, or at other times', "write it as in '0 2 * * MON-FRI'");
  }
  const everyMs = schedule.every === undefined ? 1_000 : durationMs(schedule.every);
  if (everyMs === 0 || everyMs % 1_000 !== 0)
    add('every', `${schedule.every} is no whole number of seconds`, 'Temporal counts in seconds', 'every: 6h');
  if (!isTimezone(schedule.timezone)) {
    const near = nearTimezone(schedule.timezone) ?? 'Asia/Shanghai';
    add('timezone', `there is no zone ${schedule.timezone}`, 'times would be told wrongly', `timezone: ${near}`);
  }
  if (durationMs(schedule.catchup) < LEAST_CATCHUP_MS)
    add('catchup', `${schedule.catchup} is under 10s`, 'Temporal makes up for no shorter time', 'catchup: 2h');
  return problems;
}

function approvalProblems(retrain: RetrainFile, at: At): Problem[] {
  const [limit, period] = [approvalMs(retrain), shortestDistanceMs(retrain)];
  if (limit === null || period === null || limit < period) return [];
  return [
    invalid(
      at(['approval', 'within']),
      period === 0
        ? 'the jitter is as long as the time between two runs, so that no time is left for an approval'
        : `the approval may take ${limit / 1_000} s, and the next run is due ${period / 1_000} s after`,
      'a run that waits for a person would keep the next one from training',
      'make it shorter than the shortest time between two runs: the jitter and a clock that is put forward count',
    ),
  ];
}

/** What an evaluation reads must be the same for both models and each day, so no date is filled in it. */
function evaluationProblems({ evaluation }: RetrainFile, at: At): Problem[] {
  if (evaluation === 'heldOut') return [];
  if ('heldOut' in evaluation) {
    const { heldOut } = evaluation;
    const what = heldOut.includes('{{')
      ? `${heldOut} holds a template, and none is filled here`
      : heldOut.startsWith('/')
        ? null
        : `${heldOut} is not absolute`;
    const why = 'models are measured on a host, on the same rows each time';
    return what === null ? [] : [invalid(at(['evaluation', 'heldOut']), what, why, 'name one file, from / on')];
  }
  return evaluation.command.flatMap((part, index) => {
    const other = otherTemplate(part, FILLED_BY_EVALUATION);
    if (other === null) return [];
    const fix = `an evaluation fills ${FILLED_BY_EVALUATION.join(', ')} only`;
    return [
      invalid(at(['evaluation', 'command', index]), `${other} is not filled`, 'the command would get it as it is', fix),
    ];
  });
}

function textProblems({ gate, inputs, evaluation, startFrom }: RetrainFile, at: At): Problem[] {
  const problems: Problem[] = [];
  for (const [index, rule] of gate.entries()) {
    const wrong = checkRule(rule);
    if (wrong !== null)
      problems.push(
        invalid(at(['gate', index]), wrong, 'no model could be judged', 'evalLoss <= promoted.evalLoss * 1.01'),
      );
    else if (evaluation === 'heldOut' || 'heldOut' in evaluation) {
      const strange = namesOf(rule).find((name) => name.replace('promoted.', '') !== 'evalLoss');
      if (strange !== undefined)
        problems.push(
          invalid(
            at(['gate', index]),
            `${strange} is not measured`,
            'heldOut measures evalLoss only',
            'use evalLoss, or an evaluation command',
          ),
        );
    }
  }
  for (const [index, input] of inputs.entries()) {
    const wrong = 'glob' in input ? checkTemplates(input.glob) : null;
    if (wrong !== null)
      problems.push(invalid(at(['inputs', index]), wrong, 'the path would never exist', 'use {{date}}'));
    else if ('glob' in input && /[{}]/.test(input.glob.replaceAll(/\{\{[^{}]*\}\}/g, '')))
      problems.push(
        invalid(
          at(['inputs', index]),
          `${input.glob} has braces`,
          'they would stand for themselves, so that no file would match on any day',
          'use * ? [a-z] and **, such as {{date}}/*.json*',
        ),
      );
    if ('glob' in input && inputs.findIndex((one) => 'glob' in one && one.data === input.data) !== index)
      problems.push(
        invalid(
          at(['inputs', index]),
          `data set ${input.data} has two globs`,
          'the second would take the place of the files of the first',
          'use one glob, such as {{date}}/** for all, or a data set for each',
        ),
      );
    if ('hub' in input && input.hub === 'weights' && startFrom === 'promoted')
      problems.push(
        invalid(
          at(['inputs', index]),
          'hub: weights has no effect with startFrom: promoted',
          'such a training starts from the promoted model, so that new weights of the hub would change nothing',
          'startFrom: base, or take the hub input out',
        ),
      );
  }
  return problems;
}

/** What the schema found, in the words of the spec's own problems; a policy that training cannot bear has its reason. */
function explain(issues: readonly z.core.$ZodIssue[], source: YamlSource): Finding[] {
  return explainIssues(issues, { ...source, root: inputSchema(RetrainFileSchema) }).map((finding) => {
    const overlap = valueAt(source.value, OVERLAP);
    const isOverlap = 'path' in finding.place && finding.place.path?.join('.') === OVERLAP.join('.');
    const why = isOverlap && typeof overlap === 'string' ? REFUSED_POLICIES[overlap] : undefined;
    if (why === undefined) return finding;
    return { ...finding, what: `overlap ${String(overlap)} is refused`, why, fix: 'overlap: SKIP or BUFFER_ONE' };
  });
}

const OVERLAP = ['schedule', 'overlap'] as const;

function placeOf(file: string, source: YamlSource, place: Parameters<YamlSource['position']>[0]): string {
  const { line, col } = source.position(place);
  return `${file}:${line}:${col}`;
}

function invalid(where: string, what: string, why: string, fix: string): Problem {
  return problem('SpecInvalid', { where, what, why, fix });
}
