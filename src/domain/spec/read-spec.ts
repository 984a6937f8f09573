import type { SpecProblem } from '../../schemas/spec-problem.js';
import { PipelineSpecSchema } from '../../schemas/spec.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Problem } from '../../schemas/problem.js';
import { problem } from '../errors.js';
import { hideSecrets } from '../text/hide-secrets.js';
import { explainIssues } from './explain-issue.js';
import { specJsonSchema } from './json-schema.js';
import { entryOf } from './field.js';
import { printable, showPath, showPlace } from './finding.js';
import type { Finding } from './finding.js';
import { partialSpec } from './partial-spec.js';
import { withAbsolutePaths } from './paths.js';
import { recipeFindings } from './recipe-lints.js';
import type { LintingRecipe } from './recipe-lints.js';
import { SPEC_RULES } from './rules.js';
import { checkText } from './text-checks.js';
import { parseYaml } from './yaml-source.js';
import type { YamlSource } from './yaml-source.js';

/** How a spec is read. */
export interface ReadSpecOptions {
  /** Name of the file in messages. */
  readonly file: string;
  /** Absolute folder that relative paths of the spec are taken from. */
  readonly baseDir: string;
  /** Recipes to choose from and to lint with; without them neither is checked (a spec that was checked before). */
  readonly recipes?: readonly LintingRecipe[];
}

/** A spec, or null when there is an error among the problems. */
export interface ReadSpec {
  readonly spec: PipelineSpec | null;
  readonly problems: readonly SpecProblem[];
}

/** Reads a spec: all problems at once, with their places, in the order of the file. Never throws. */
export function readSpec(text: string, options: ReadSpecOptions): ReadSpec {
  const broken = checkText(text);
  if (broken !== null) return { spec: null, problems: [findingProblem(broken, options.file, text)] };
  const source = parseYaml(text);
  if (source.value === undefined) return { spec: null, problems: placeAll(source.findings, options.file, source) };
  const parsed = PipelineSpecSchema.safeParse(source.value);
  const spec = parsed.success ? withAbsolutePaths(parsed.data, options.baseDir) : null;
  const findings = [
    ...source.findings,
    ...explainIssues(parsed.error?.issues ?? [], { ...source, root: specJsonSchema() }),
    ...crossField(source.value, options.baseDir),
    ...(options.recipes === undefined ? [] : recipeFindings(spec, entryOf(source.value, 'recipe'), options.recipes)),
  ];
  const problems = placeAll(findings, options.file, source);
  return { spec: problems.some(({ severity }) => severity === 'error') ? null : spec, problems };
}

/** Reads a spec as it is kept and as it travels: its paths are absolute, so no folder and no file matter. */
export function readStoredSpec(text: string, options: Partial<Omit<ReadSpecOptions, 'baseDir'>> = {}): ReadSpec {
  return readSpec(text, { file: 'spec.yaml', ...options, baseDir: '/' });
}

/** The problem of a file that could not be parsed or even decoded; `text` is what is known of it. */
export function findingProblem(finding: Finding, file: string, text = ''): SpecProblem {
  return place(finding, file, positionsIn(text));
}

/** A spec problem as a row of the error catalogue, for plans and answers. */
export function toProblem(found: SpecProblem): Problem {
  const { path, what, why, fix } = found;
  return problem('SpecInvalid', { where: `${showPlace(found)}${path === '' ? '' : ` ${path}`}`, what, why, fix });
}

function crossField(value: unknown, baseDir: string): Finding[] {
  const spec = partialSpec(withAbsolutePaths(value, baseDir));
  return SPEC_RULES.flatMap(({ id, why, fix, find }) =>
    find(spec, value).map((breach): Finding => ({
      id,
      place: { path: breach.path, at: breach.at ?? 'value' },
      what: breach.what,
      why,
      fix: breach.fix ?? fix,
    })),
  );
}

function placeAll(findings: readonly Finding[], file: string, source: YamlSource): SpecProblem[] {
  const problems = findings.map((finding) => place(finding, file, source));
  const unique = new Map(
    problems.map((entry) => [JSON.stringify([entry.line, entry.col, entry.path, entry.id, entry.what]), entry]),
  );
  return [...unique.values()].sort((a, b) => a.line - b.line || a.col - b.col);
}

function place(
  { id, severity, isAccepted, place: at, what, why, fix }: Finding,
  file: string,
  { position }: Pick<YamlSource, 'position'>,
): SpecProblem {
  const { line, col } = position(at);
  return {
    ...{ id, severity: severity ?? 'error', ...(isAccepted === undefined ? {} : { isAccepted }), file, line, col },
    ...{ path: showPath(at.path ?? []), what: shown(what), why, fix: shown(fix) },
  };
}

/** Values are the user's text: neither a secret in an address nor what moves a cursor may be told. */
function shown(text: string): string {
  return printable(hideSecrets(text));
}

/** Lines and columns of offsets in a text that must not be parsed. */
function positionsIn(text: string): Pick<YamlSource, 'position'> {
  return {
    position(at) {
      const before = 'offset' in at ? text.slice(0, at.offset) : '';
      return { line: before.split('\n').length, col: before.length - before.lastIndexOf('\n') };
    },
  };
}
