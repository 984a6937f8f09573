import { problem } from '../../../domain/errors.js';
import type { Problem } from '../../../schemas/problem.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import { isExisting } from '../layout.js';
import { usesFusedMoe, type Judgement } from './judge-toolkit.js';
import { REFERENCE_PACKAGES, REFERENCE_PYTHON, wantedPackages } from './packages.js';
import type { ProbeFacts, PythonFacts } from './probe.js';
import { compareVersions } from './versions.js';

/** Python, torch and torch_npu: what is there against the guide's set. */
export function judgePython(facts: ProbeFacts, spec: PipelineSpec): Judgement {
  const { python } = facts;
  if (python === null) return { lock: {}, problems: withoutPython(facts, spec), warnings: [] };
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const short = python.version.split('.').slice(0, 2).join('.');
  if (compareVersions(short, REFERENCE_PYTHON) === 'older') {
    problems.push(
      problem('EnvironmentUnfit', {
        what: `Python is ${python.version}, wanted ${REFERENCE_PYTHON} or newer`,
        why: 'MindSpeed-MM refuses to be installed with an older one',
        fix: `name a Python ${REFERENCE_PYTHON} in environment.${isExisting(spec) ? 'python' : 'basePython'}`,
      }),
    );
  } else if (short !== REFERENCE_PYTHON) {
    warnings.push(`Python is ${python.version}, the guide recommends ${REFERENCE_PYTHON}`);
  }
  for (const [name, reference] of Object.entries(REFERENCE_PACKAGES)) {
    const version = python.packages[normalised(name)]?.version;
    // An environment of Temper's own is repaired; an older version in it was asked for.
    if (version === undefined) continue;
    const standing = compareVersions(version, reference);
    if (standing === 'older' && usesFusedMoe(spec)) problems.push(tooOld(name, version, reference, spec));
    else if (standing !== 'same') warnings.push(`${name} is ${version}, the guide recommends ${reference}`);
  }
  return { lock: lockOf(python), problems, warnings };
}

/** Name of a distribution as installers compare it. */
export function normalised(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** Whether a version is the one that is wanted; a wanted one without suffix admits `.postN` and a local part. */
export function isWanted(found: string | undefined, wanted: string): boolean {
  if (found === undefined) return false;
  return (
    found === wanted ||
    found.replace(/\+.*$/, '') === wanted ||
    found.replace(/\+.*$/, '').replace(/\.post\d+$/, '') === wanted
  );
}

function lockOf({ version, packages, digest, count }: PythonFacts): Judgement['lock'] {
  const named = Object.keys(wantedPackages({ environment: { location: 'perHost' } })).concat('transformers');
  return {
    Python: version,
    ...Object.fromEntries(
      named.flatMap((name) => {
        const found = packages[normalised(name)]?.version;
        return found === undefined ? [] : [[name, found] as const];
      }),
    ),
    // Everything else by one hash: what a rank imports in passing can make hosts differ too.
    packages: `${count} packages, ${digest.slice(0, 16)}`,
  };
}

function withoutPython({ basePython }: ProbeFacts, spec: PipelineSpec): Problem[] {
  const { python, basePython: asked } = spec.environment;
  if (isExisting(spec)) {
    return [
      problem('EnvironmentUnfit', {
        what: `${python ?? 'the Python of the environment'} is not there or does not run`,
        why: 'the spec names an existing environment, which Temper never makes',
        fix: 'correct environment.python',
      }),
    ];
  }
  if (basePython !== null) return [];
  return [
    problem('EnvironmentUnfit', {
      what: `Python: found no ${asked ?? `python${REFERENCE_PYTHON}`}, wanted ${REFERENCE_PYTHON}`,
      why: 'the environment is made from it',
      fix: `install Python ${REFERENCE_PYTHON} with its venv module, or name another in environment.basePython`,
    }),
  ];
}

function tooOld(name: string, version: string, reference: string, spec: PipelineSpec): Problem {
  return problem('EnvironmentUnfit', {
    what: `${name}: found ${version}, wanted ${reference} or newer`,
    why: 'the fused operators of the experts need it',
    fix: isExisting(spec)
      ? `install ${name} ${reference} into it, or set train.fusedMoe to false`
      : `set environment.packages.${name} to ${reference}, or train.fusedMoe to false`,
  });
}
