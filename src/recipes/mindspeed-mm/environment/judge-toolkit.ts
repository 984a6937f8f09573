import { problem } from '../../../domain/errors.js';
import type { Problem } from '../../../schemas/problem.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Lint } from '../../recipe.js';
import { environmentLints } from '../training/lint-environment.js';
import { setEnvPlaces } from '../toolkit-command.js';
import type { ProbeFacts } from './probe.js';
import {
  parseVersion,
  TOOLKIT_PARTS,
  toolkitFolder,
  versionFiles,
  type ToolkitPart,
  type ToolkitPartName,
} from './toolkit-parts.js';
import { compareVersions } from './versions.js';

/** What a part of the environment was found to be. */
export interface Judgement {
  readonly lock: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Driver, firmware, CANN toolkit, kernels and NNAL: there, and not older than the guide's set. */
export function judgeToolkit(facts: ProbeFacts, spec: PipelineSpec): Judgement {
  const found = TOOLKIT_PARTS.map((part) => ({ part, version: versionOf(facts, spec, part.name) }));
  const lock: Record<string, string> = {};
  const problems: Problem[] = [];
  const warnings: string[] = [];
  for (const { part, version } of found) {
    if (version === null) problems.push(missing(part, spec));
    else lock[part.title] = version;
    if (version === null || part.wanted === null) continue;
    const standing = compareVersions(version, part.wanted);
    const sentence = `${part.title} is ${version}, the guide's set is ${part.wanted}`;
    if (standing === 'older' && usesFusedMoe(spec)) problems.push(tooOld(part, version));
    else if (standing !== 'same') warnings.push(sentence);
  }
  warnings.push(...variableWarnings(spec, found.find(({ part }) => part.name === 'toolkit')?.version ?? null));
  const { toolkit } = setEnvPlaces(spec);
  if (!toolkit.some((path) => facts.setEnv.includes(path))) {
    problems.push(
      problem('EnvironmentUnfit', {
        what: `set_env.sh of the CANN toolkit is not there; looked for ${toolkit.join(' and ')}`,
        why: 'without it no program finds the libraries of the toolkit',
        fix: 'name it in environment.cannEnv, or install the toolkit',
      }),
    );
  }
  return { lock, problems, warnings };
}

/**
 * Variables that this toolkit takes in narrower ranges than the one that specs are judged by. Warnings: on the hosts
 * nothing can be accepted by id any more.
 */
function variableWarnings(spec: PipelineSpec, version: string | null): string[] {
  if (version === null || version === 'present') return [];
  const known = new Set(environmentLints(spec).map(placeOf));
  return environmentLints(spec, version)
    .filter((lint) => !known.has(placeOf(lint)))
    .map(({ what, why }) => `train.env: ${what}; ${why}`);
}

function placeOf({ id, path }: Lint): string {
  return `${id} ${path.join('.')}`;
}

/** The fused operators of the experts are what needs a new toolkit and torch_npu (guide 1.1). */
export function usesFusedMoe({ train }: Pick<PipelineSpec, 'train'>): boolean {
  return train.fusedMoe ?? true;
}

/** The version in the first file that has one; `present` where only a folder shows that it is there. */
function versionOf(facts: ProbeFacts, spec: PipelineSpec, part: ToolkitPartName): string | null {
  const all = facts.versionFiles.filter((file) => file.part === part);
  const folder = sourcedFolder(facts, spec);
  // Where several toolkits lie on a host, the one that commands get counts.
  const sourced = all.filter(({ path }) => folder !== null && path.startsWith(`${folder}/`));
  const files = sourced.length > 0 ? sourced : all;
  const versions = files
    .flatMap(({ text }) => (text === null ? [] : [parseVersion(text)]))
    .filter((one) => one !== null);
  return versions[0] ?? (files.length > 0 ? 'present' : null);
}

/** Folder of the toolkit whose set_env.sh is sourced. */
function sourcedFolder(facts: ProbeFacts, spec: PipelineSpec): string | null {
  const sourced = setEnvPlaces(spec).toolkit.find((path) => facts.setEnv.includes(path));
  return sourced === undefined ? null : toolkitFolder(sourced);
}

function missing({ name, title, wanted }: ToolkitPart, spec: PipelineSpec): Problem {
  const looked = versionFiles(spec).filter(({ part }) => part === name);
  return problem('EnvironmentUnfit', {
    what: `${title}: found none, wanted ${wanted === null ? 'any version' : `${wanted} or newer`}`,
    why: `none of these is there: ${looked.map(({ path }) => path).join(', ')}`,
    fix: `install the ${title} of the vendor (Temper never does), mount it into the container, or name its place in environment.toolkitRoot`,
  });
}

function tooOld({ title, wanted }: ToolkitPart, version: string): Problem {
  return problem('EnvironmentUnfit', {
    what: `${title}: found ${version}, wanted ${wanted ?? ''} or newer`,
    why: 'the fused operators of the experts need it',
    fix: `update the ${title}, or set train.fusedMoe to false`,
  });
}
