import { z } from 'zod';
import { problem } from '../../../domain/errors.js';
import type { Problem } from '../../../schemas/problem.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { EnvironmentReading, EnvironmentRecipe, HostTools } from '../../recipe.js';
import { environmentPlace, isExisting } from '../layout.js';
import { isMoving, SOURCE_NAMES, sourcesOf } from '../sources.js';
import { findDifferences } from './differences.js';
import { installedBytes } from './disk.js';
import { existingProblems } from './existing.js';
import { installCommands } from './install.js';
import { judgePython } from './judge-python.js';
import { judgeToolkit } from './judge-toolkit.js';
import { probe, ProbeSchema, prove, type ProbeFacts } from './probe.js';
import { repairCommands } from './repairs.js';

/**
 * The guide's environment: driver and CANN verified and never installed; checkouts, Python and packages in the guide's
 * layout, installed and repaired; or an environment that exists, verified and never changed.
 */
export const environment: EnvironmentRecipe = { place: environmentPlace, probe, prove, read, install: installCommands };

function read(line: unknown, spec: PipelineSpec, tools: HostTools): EnvironmentReading {
  const parsed = ProbeSchema.safeParse(line);
  if (!parsed.success) {
    const why = z.prettifyError(parsed.error);
    return {
      lock: {},
      problems: [problem('EnvironmentUnfit', { what: 'the probe of the environment gave no answer', why })],
    };
  }
  const facts = parsed.data;
  const toolkit = judgeToolkit(facts, spec);
  const python = judgePython(facts, spec);
  const isFixed = isExisting(spec);
  const differences = isFixed ? [] : findDifferences(facts, spec, tools);
  return {
    lock: { ...toolkit.lock, ...python.lock, ...commits(facts, spec) },
    problems: [
      ...toolkit.problems,
      ...python.problems,
      ...(isFixed ? existingProblems(facts, spec, tools) : []),
      ...(facts.hasGit || isFixed ? [] : [withoutGit()]),
    ],
    warnings: [...toolkit.warnings, ...python.warnings, ...movingRefs(facts, spec)],
    differences: differences.map(({ sentence }) => sentence),
    repairs: repairCommands(differences, facts, spec, tools),
    repairBytes: installedBytes(differences.map(({ part }) => part)),
  };
}

function withoutGit(): Problem {
  return problem('EnvironmentUnfit', {
    what: 'the program git is not there',
    why: 'the checkouts are made with it',
    fix: 'install git',
  });
}

/** A branch may be another commit on the next host, or at the next start. */
function movingRefs({ checkouts }: ProbeFacts, spec: PipelineSpec): string[] {
  const sources = sourcesOf(spec);
  return SOURCE_NAMES.filter((name) => isMoving(sources[name])).flatMap((name) => {
    const { title, ref } = sources[name];
    const head = checkouts[name]?.head ?? null;
    if (head === null) return [];
    return [`${title}: ${ref} may move, it is ${head} now; pin it with environment.sources.${name}.ref: ${head}`];
  });
}

function commits({ checkouts, megatron }: ProbeFacts, spec: PipelineSpec): Record<string, string> {
  const sources = sourcesOf(spec);
  const found = SOURCE_NAMES.flatMap((name) => {
    const head = checkouts[name]?.head;
    return head === null || head === undefined ? [] : [[`${sources[name].title} commit`, head] as const];
  });
  return {
    ...Object.fromEntries(found),
    ...(megatron.copy === null ? {} : { 'megatron copy': megatron.copy.slice(0, 16) }),
  };
}
