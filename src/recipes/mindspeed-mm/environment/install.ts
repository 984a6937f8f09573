import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Command, HostTools } from '../../recipe.js';
import { isExisting } from '../layout.js';
import { findDifferences } from './differences.js';
import { REFERENCE_PYTHON } from './packages.js';
import type { ProbeFacts } from './probe.js';
import { repairCommands } from './repairs.js';

/** What the probe answers on a host that has driver and toolkit, but nothing of the environment. */
const NOTHING: ProbeFacts = {
  v: 1,
  versionFiles: [],
  setEnv: [],
  checkouts: {},
  megatron: { original: null, copy: null },
  folders: {},
  python: null,
  basePython: null,
  hasGit: true,
};

/** The whole installation, in its order: what a worker runs on a new host. None for an environment that exists. */
export function installCommands(spec: PipelineSpec, tools: HostTools): readonly Command[] {
  if (isExisting(spec)) return [];
  const path = spec.environment.basePython ?? `python${REFERENCE_PYTHON}`;
  const facts = { ...NOTHING, basePython: { path, version: REFERENCE_PYTHON } };
  return repairCommands(findDifferences(facts, spec, tools), facts, spec, tools);
}
