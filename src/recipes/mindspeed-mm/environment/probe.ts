import { join } from 'node:path';
import { z } from 'zod';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Command, HostTools } from '../../recipe.js';
import { upstream } from '../commands.js';
import { checkoutOf, isExisting } from '../layout.js';
import { SOURCE_NAMES, sourcesOf, type SourceName } from '../sources.js';
import { setEnvPlaces } from '../toolkit-command.js';
import { REFERENCE_PYTHON } from './packages.js';
import { versionFiles } from './toolkit-parts.js';

/** Folders that the guide makes in the working directory. */
export const GUIDE_FOLDERS = ['logs', 'data', 'ckpt'] as const;

/** Distributions whose versions are looked at, by their normalised names. */
const DISTRIBUTIONS = ['torch', 'torch-npu', 'mindspeed', 'mindspeed-mm', 'transformers'] as const;
/** Modules whose place is looked at: an installation can be overlaid by another one. */
const MODULES = ['megatron', 'mindspeed', 'mindspeed_mm', 'transformers'] as const;

/** Version of Megatron-LM that the tag core_v0.12.1 stands for, as `megatron.core` tells it. */
const MEGATRON_VERSION = '0.12.1';

/** Quick look at the software of a host; changes nothing and asks nothing remote. */
export function probe(tools: HostTools, spec: PipelineSpec, step = 'probe'): Command {
  const sources = sourcesOf(spec);
  const places = setEnvPlaces(spec);
  const working = checkoutOf('mindspeedMm', spec, tools);
  const request = {
    python: tools.python,
    packages: DISTRIBUTIONS,
    modules: MODULES,
    scripts: ['mm-convert'],
    basePythons: [spec.environment.basePython ?? `python${REFERENCE_PYTHON}`],
    isExisting: isExisting(spec),
    checkouts: Object.fromEntries(
      SOURCE_NAMES.filter((name) => !isExisting(spec) || name !== 'megatronLm').map((name) => [
        name,
        { folder: checkoutOf(name, spec, tools), ref: sources[name].ref },
      ]),
    ),
    megatron: {
      original: join(checkoutOf('megatronLm', spec, tools), 'megatron'),
      copy: join(working, 'megatron'),
    },
    folders: GUIDE_FOLDERS.map((name) => join(working, name)),
    versionFiles: versionFiles(spec),
    setEnv: [...places.toolkit, ...places.nnal],
  };
  return {
    step,
    argv: [tools.node, join(tools.programs, 'probe-environment.mjs'), JSON.stringify(request)],
    cwd: tools.programs,
    env: {},
  };
}

/** Shows that imports, devices and converter really work. */
export function prove(tools: HostTools, spec: PipelineSpec): Command {
  const converter = join(tools.python, '..', 'mm-convert');
  return upstream({ spec, tools }, 'prove', [
    ...[tools.python, join(tools.programs, 'prove_environment.py')],
    ...['--devices', String(spec.fleet.npusPerHost), '--converter', converter, '--megatron', MEGATRON_VERSION],
  ]);
}

const CheckoutSchema = z.object({
  exists: z.boolean(),
  /** The folder without links, as the places of `PythonSchema` are; null when it is not there. */
  real: z.string().nullable(),
  /** Commit that is checked out; null for a folder that is no repository of its own. */
  head: z.string().nullable(),
  /** Commit that the wanted ref means in this checkout; null when it is not there and must be fetched. */
  wanted: z.string().nullable(),
  /** Whether files under version control differ from the commit. */
  isChanged: z.boolean(),
});

const PythonSchema = z.object({
  version: z.string(),
  count: z.number(),
  digest: z.string(),
  packages: z.record(z.string(), z.object({ version: z.string(), editable: z.string().nullable() })),
  modules: z.record(z.string(), z.string().nullable()),
  hasPip: z.boolean(),
  scripts: z.record(z.string(), z.boolean()),
});
export type PythonFacts = z.infer<typeof PythonSchema>;

/** Where a checkout really lies: imports are told without the links on the way to them. */
export function realCheckout(
  name: SourceName,
  { checkouts }: ProbeFacts,
  spec: PipelineSpec,
  tools: Pick<HostTools, 'environment'>,
): string {
  return checkouts[name]?.real ?? checkoutOf(name, spec, tools);
}

/** What the probe's program prints. */
export const ProbeSchema = z.object({
  v: z.literal(1),
  versionFiles: z.array(z.object({ part: z.string(), path: z.string(), text: z.string().nullable() })),
  setEnv: z.array(z.string()),
  checkouts: z.partialRecord(z.enum(SOURCE_NAMES), CheckoutSchema),
  megatron: z.object({ original: z.string().nullable(), copy: z.string().nullable() }),
  folders: z.record(z.string(), z.boolean()),
  python: PythonSchema.nullable(),
  basePython: z.object({ path: z.string(), version: z.string() }).nullable(),
  hasGit: z.boolean(),
});
export type ProbeFacts = z.infer<typeof ProbeSchema>;
