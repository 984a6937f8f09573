import { isAbsolute, relative, resolve } from 'node:path/posix';
import { isSecretName } from '../text/secret-name.js';
import { isShellPath, specPaths } from './paths.js';
import { valueAt } from './field.js';
import type { FieldPath } from './finding.js';
import type { PartialSpec } from './partial-spec.js';
import { SOURCE_RULES } from './source-rules.js';

/** One rule over several fields: what it is about, and where a spec breaks it. */
export interface SpecRule {
  readonly id: string;
  readonly why: string;
  readonly fix: string;
  find(spec: PartialSpec, value: unknown): readonly Breach[];
}

/** One place that breaks a rule. */
export interface Breach {
  readonly path: FieldPath;
  readonly at?: 'key';
  readonly what: string;
  readonly fix?: string;
}

/** What torchrun tells its ranks (torch.distributed.run), and what Temper marks its processes with. */
const LAUNCHER_NAME =
  /^(RANK|LOCAL_RANK|GROUP_RANK|ROLE_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|NODE_RANK|MASTER_ADDR|MASTER_PORT|TORCHELASTIC_\w*|TEMPER_\w*)$/;

/** Whether the launcher tells ranks this variable, or Temper marks its processes with it; no spec may set one. */
export function isLauncherVariable(name: string): boolean {
  return LAUNCHER_NAME.test(name);
}

/** The closed table of rules that no single field can break; errors all of them. */
export const SPEC_RULES: readonly SpecRule[] = [
  {
    id: 'path/home',
    why: 'only a shell knows ~ and $NAME, and they are other folders for each user and host',
    fix: 'write the whole path from /',
    find: (_spec, value) =>
      specPaths(value)
        .filter(({ path }) => isShellPath(path))
        .map(({ field, path }) => ({ path: field, what: `${JSON.stringify(path)} starts with ${path.split('/')[0]}` })),
  },
  {
    id: 'path/not-absolute',
    why: 'it is a path on the hosts, where nothing is known of the place of this file',
    fix: 'write the whole path from /',
    find: (_spec, value) =>
      specPaths(value)
        .filter(({ path, isHostPath }) => isHostPath && !isAbsolute(path) && !isShellPath(path))
        .map(({ field, path }) => ({ path: field, what: `${JSON.stringify(path)} is a relative path` })),
  },
  {
    id: 'workspace/root',
    why: 'Temper keeps runs and outputs there and would mix them with the system',
    fix: 'give it a folder of its own, such as /mnt/shared/temper',
    find: ({ workspace }) =>
      workspace !== undefined && /^\/+$/.test(workspace) ? [{ path: ['workspace'], what: 'the workspace is /' }] : [],
  },
  {
    id: 'scratch/inside-workspace',
    why: "the workspace is seen by all hosts and scratch must be each host's own",
    fix: 'use two separate folders',
    find: ({ workspace, scratch }) =>
      workspace !== undefined &&
      scratch !== undefined &&
      isAbsolute(scratch) &&
      resolve(workspace) !== '/' &&
      isNested(workspace, scratch)
        ? [{ path: ['scratch'], what: `scratch ${scratch} and workspace ${workspace} lie in one another` }]
        : [],
  },
  {
    id: 'weights/original-missing',
    why: 'a converted checkpoint holds neither tokenizer nor config, and the export is compared with the original',
    fix: 'add weights.original: FOLDER, the Hugging Face folder that it was converted from',
    find: ({ weights }) =>
      weights?.source.startsWith('dcp:') === true && weights.original === undefined
        ? [{ path: ['weights', 'source'], what: 'a dcp: source stands without weights.original' }]
        : [],
  },
  {
    id: 'weights/original-unused',
    why: 'only a dcp: source needs the model that it was converted from',
    fix: 'remove weights.original',
    find: ({ weights }) =>
      weights?.original !== undefined && !weights.source.startsWith('dcp:')
        ? [{ path: ['weights', 'original'], at: 'key', what: `weights.original stands beside ${weights.source}` }]
        : [],
  },
  {
    id: 'weights/revision-unused',
    why: 'folders and seeds have no revisions, so it would pin nothing',
    fix: 'remove weights.revision',
    find: ({ weights }) =>
      weights?.revision !== undefined && !/^(hf|modelscope):/.test(weights.source)
        ? [{ path: ['weights', 'revision'], at: 'key', what: `weights.revision stands beside ${weights.source}` }]
        : [],
  },
  {
    id: 'data/duplicate-name',
    why: 'outputs and messages name data sets',
    fix: 'give each data set a name of its own',
    find: ({ data }) =>
      data.flatMap((set, index) => {
        const first = data.findIndex((other) => other !== undefined && other.name === set?.name);
        if (set === undefined || first === index) return [];
        return [{ path: ['data', index, 'name'], what: `data.${first} is named ${JSON.stringify(set.name)} too` }];
      }),
  },
  {
    id: 'train/env-secret',
    why: 'a spec is stored in clear, shown and copied',
    fix: "remove it here and set it in the host worker's own environment",
    find: (_spec, value) =>
      envNames(value)
        .filter(isSecretName)
        .map((name) => envBreach(name, `${name} looks like a secret`)),
  },
  {
    id: 'train/env-launcher',
    why: 'another value would split the gang or hide its processes',
    fix: 'remove it; fleet.hosts and fleet.npusPerHost decide it',
    find: (_spec, value) =>
      envNames(value)
        .filter(isLauncherVariable)
        .map((name) => envBreach(name, `${name} is set by Temper and torchrun`)),
  },
  ...SOURCE_RULES,
];

function isNested(a: string, b: string): boolean {
  return [relative(resolve(a), resolve(b)), relative(resolve(b), resolve(a))].some(
    (way) => way === '' || !(way === '..' || way.startsWith('../')),
  );
}

function envNames(value: unknown): string[] {
  const env = valueAt(value, ['train', 'env']);
  return typeof env === 'object' && env !== null && !Array.isArray(env) ? Object.keys(env) : [];
}

function envBreach(name: string, what: string): Breach {
  return { path: ['train', 'env', name], at: 'key', what };
}
